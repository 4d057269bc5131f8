using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Snapshots;

/// <summary>
/// Everything about a snapshot, complete by itself: what was stored at a moment, and in which objects it lies. Written last. JSON, so that a
/// person can read it, and behind it a line with its SHA-256.
/// </summary>
/// <param name="Format">The format's version.</param>
/// <param name="Id">Which: when, in which epoch and up to which segment.</param>
/// <param name="Lineage">The archive's identity.</param>
/// <param name="Log">The identity of the write-ahead log.</param>
/// <param name="ReceivedThrough">Nothing in it was received later, whatever the clock has done since.</param>
/// <param name="Archived">How far the epoch was archived then, to reckon by.</param>
/// <param name="ReplayFrom">The archived group in which the log goes on begins with this segment, or there is none yet.</param>
/// <param name="Versions">What wrote it.</param>
/// <param name="Tables">What was stored.</param>
/// <param name="Logs">Which logs' segments the spans are of.</param>
/// <param name="Quarantine">The log's quarantine; null for an empty one.</param>
/// <param name="Settings">What TraceStore was set to, where that isn't the default.</param>
/// <param name="Secrets">Settings that were set and are left out.</param>
/// <param name="Backup">Of an external ClickHouse, the backup that it made, which holds the rows; null where parts are in the store.</param>
public sealed record SnapshotManifest(
    int Format,
    SnapshotId Id,
    Guid Lineage,
    ulong Log,
    DateTimeOffset ReceivedThrough,
    ArchiveFrontier Archived,
    ulong ReplayFrom,
    SnapshotVersions Versions,
    IReadOnlyList<SnapshotTable> Tables,
    IReadOnlyList<SnapshotLog> Logs,
    PackReference? Quarantine,
    IReadOnlyDictionary<string, string> Settings,
    IReadOnlyList<string> Secrets,
    SnapshotBackup? Backup = null)
{
    public const int NewestFormat = 1;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true, RespectRequiredConstructorParameters = true, Converters = { new SnapshotId.JsonConverter() } };

    private static ReadOnlySpan<byte> SumLabel => "sha256:"u8;

    [JsonIgnore]
    public IEnumerable<SnapshotPart> Parts => Tables.SelectMany(table => table.Partitions).SelectMany(partition => partition.Parts);

    /// <summary>All objects that it needs, each once.</summary>
    [JsonIgnore]
    public IEnumerable<PackReference> Packs => Parts.Select(part => part.Pack).Concat(Quarantine is { } quarantine ? [quarantine] : []).DistinctBy(pack => pack.Name);

    /// <summary>Bytes of those objects.</summary>
    [JsonIgnore]
    public long Bytes => Packs.Sum(pack => pack.Bytes);

    /// <summary>Rows of spans.</summary>
    [JsonIgnore]
    public long Spans => Tables.Where(table => table.Name == SpanColumns.Spans.Name).SelectMany(table => table.Partitions).Sum(partition => partition.Rows);

    /// <summary>What it has of a day: that isn't a snapshot's, and says of no log which segments it has.</summary>
    public SnapshotManifest Of(DateOnly day) => this with
    {
        Tables = [.. Tables.Select(table => table with { Partitions = [.. table.Partitions.Where(partition => partition.Id == $"{day:yyyyMMdd}")] })],
        Logs = [],
        Quarantine = null,
    };

    /// <exception cref="ObjectDamagedException">It isn't one, or of a newer version.</exception>
    public static SnapshotManifest Decode(IObjectStore store, string name, ReadOnlySpan<byte> content)
    {
        try
        {
            int at = content.LastIndexOf(SumLabel);
            if (at < 0) throw new JsonException("its SHA-256 is missing");
            if (!content[at..].SequenceEqual(SumOf(content[..at]))) throw new JsonException("its content has another SHA-256 than it says: it was cut or changed");
            SnapshotManifest manifest = JsonSerializer.Deserialize<SnapshotManifest>(content[..at], s_json) ?? throw new JsonException("it is null");
            if (manifest.Format > NewestFormat) throw new JsonException($"it has format version {manifest.Format}, where this TraceStore knows {NewestFormat}: use the TraceStore that wrote it, {manifest.Versions?.TraceStore}");
            if (SnapshotNames.Manifest(manifest.Id) != name) throw new JsonException($"it is that of snapshot {manifest.Id}");
            if (manifest.Tables.Any(table => !IsName(table.Name)) || manifest.Parts.Any(part => !IsName(part.Name)) || manifest.Packs.Any(pack => !ObjectName.IsValid(SnapshotNames.Pack(pack.Name)) || !IsName(pack.Name))) throw new JsonException("it has names that can't be");
            return manifest;
        }
        catch (JsonException e)
        {
            throw new ObjectDamagedException($"{name} in {store.Address} can't be read: {e.Message}.", e);
        }
    }

    /// <summary>Names become names of folders and stand in statements.</summary>
    private static bool IsName(string name) => name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    public byte[] Encode()
    {
        byte[] content = [.. JsonSerializer.SerializeToUtf8Bytes(this, s_json), (byte)'\n'];
        return [.. content, .. SumOf(content)];
    }

    private static byte[] SumOf(ReadOnlySpan<byte> content) => [.. SumLabel, .. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(content))), (byte)'\n'];
}

/// <summary>What wrote a snapshot; what reads it must be as new.</summary>
/// <param name="TraceStore">TraceStore's version.</param>
/// <param name="Engine">ClickHouse's version.</param>
/// <param name="Schema">The newest schema migration.</param>
public sealed record SnapshotVersions(string TraceStore, string Engine, int Schema);

/// <summary>A table of the catalogue.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Partitions">Days of receipt, as ClickHouse names them.</param>
public sealed record SnapshotTable(string Name, IReadOnlyList<SnapshotPartition> Partitions);

/// <summary>A partition of a table.</summary>
/// <param name="Id">ClickHouse's name of it.</param>
/// <param name="Rows">Rows in its parts.</param>
/// <param name="Hash">The sum of its parts' hashes, which doesn't depend on their order (<see cref="ContentSum"/>).</param>
/// <param name="Parts">Its parts.</param>
public sealed record SnapshotPartition(string Id, long Rows, string Hash, IReadOnlyList<SnapshotPart> Parts);

/// <summary>A part, which never changes.</summary>
/// <param name="Name">What ClickHouse calls it.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Hash">ClickHouse's hash of all its files (<c>hash_of_all_files</c>): 32 hexadecimal digits.</param>
/// <param name="Pack">Where it lies.</param>
public sealed record SnapshotPart(string Name, long Rows, string Hash, PackReference Pack);

/// <summary>A backup that an external ClickHouse has made. What is stored while it is made may be in it.</summary>
/// <param name="Destination">Where, in ClickHouse's words, without keys.</param>
/// <param name="Name">Its folder there.</param>
/// <param name="Chain">How many backups a restore needs of there: this one, the one that it is based on, and so on.</param>
public sealed record SnapshotBackup(string Destination, string Name, int Chain);

/// <summary>An object of a folder's files.</summary>
/// <param name="Name">What it is named by.</param>
/// <param name="Bytes">Its length.</param>
public sealed record PackReference(string Name, long Bytes);

/// <summary>Spans of a write-ahead log's segments.</summary>
/// <param name="Log">The log's identity.</param>
/// <param name="First">The first segment that has any.</param>
/// <param name="Last">The last one.</param>
/// <param name="Spans">How many.</param>
public sealed record SnapshotLog(ulong Log, ulong First, ulong Last, long Spans)
{
    public static IReadOnlyList<SnapshotLog> Of(IEnumerable<StoredLog> stored) => [.. stored.Select(log => new SnapshotLog(log.Log, log.First, log.Last, log.Spans))];
}

/// <summary>Adds hashes of 128 bits up, so that a sum doesn't depend on their order and two that are equal don't cancel out.</summary>
public static class ContentSum
{
    public static string Of(IEnumerable<string> hashes)
    {
        UInt128 sum = UInt128.Zero;
        foreach (string hash in hashes) sum = unchecked(sum + UInt128.Parse(hash, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
        return sum.ToString("x32", CultureInfo.InvariantCulture);
    }
}
