using System.Text.Json;
using System.Text.Json.Serialization;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Archive;

/// <summary>
/// The archive's one object that is replaced, by compare-and-swap: whose it is, who writes, and how far it goes. JSON, so that a person can
/// read it.
/// </summary>
/// <param name="Format">The archive's format version.</param>
/// <param name="Lineage">The archive's identity: random, for as long as it is.</param>
/// <param name="Epochs">Its writers, in order.</param>
/// <param name="Writer">Who writes, and until when nobody else may; null when nobody does.</param>
/// <param name="Frontier">How far the newest epoch goes.</param>
/// <param name="Revision">Counts the replacements, so that no two are equal.</param>
/// <param name="Trim">What is no longer kept; null while everything is.</param>
public sealed record ArchiveHead(int Format, Guid Lineage, IReadOnlyList<ArchiveEpoch> Epochs, ArchiveWriter? Writer, ArchiveFrontier Frontier, long Revision, ArchiveTrim? Trim = null)
{
    public const int NewestFormat = 1;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true, RespectRequiredConstructorParameters = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip };

    /// <summary>The newest epoch.</summary>
    [JsonIgnore]
    public ArchiveEpoch Current => Epochs[^1];

    /// <summary>The segment that the first group begins with that is kept of an epoch; null where none is.</summary>
    public ulong? FirstGroup(ArchiveEpoch epoch) => Trim?.Logs.FirstOrDefault(log => log.Epoch == epoch.Number) is { } trimmed ? trimmed.FirstGroup : epoch.First;

    /// <exception cref="ObjectDamagedException">It isn't one, or of a newer version.</exception>
    public static ArchiveHead Decode(IObjectStore store, ReadOnlySpan<byte> content)
    {
        if (EncryptedObject.IsEncrypted(content)) throw new ObjectDamagedException($"{ArchiveNames.Head} in {store.Address} is encrypted: name the key file with Archive:KeyFile.");
        try
        {
            ArchiveHead head = JsonSerializer.Deserialize<ArchiveHead>(content, s_json) ?? throw new JsonException("it is null");
            if (head.Format > NewestFormat) throw new JsonException($"it has format version {head.Format}, where this TraceStore knows {NewestFormat}: use the TraceStore that wrote it");
            if (head.Epochs is not { Count: > 0 } || head.Frontier is null) throw new JsonException("it names no epoch");
            return head;
        }
        catch (JsonException e)
        {
            throw new ObjectDamagedException($"{ArchiveNames.Head} in {store.Address} can't be read: {e.Message}.", e);
        }
    }

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, s_json);
}

/// <summary>A writer's time: a write-ahead log that was archived.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Log">The log's identity.</param>
/// <param name="First">Its first segment that is archived.</param>
/// <param name="Began">Nothing in it was received before, by the writer's clock, as receive times are.</param>
/// <param name="From">What there was when it began; null for nothing.</param>
/// <param name="End">How far it went when the next one began; null for the newest.</param>
public sealed record ArchiveEpoch(uint Number, ulong Log, ulong First, DateTimeOffset Began, ArchiveOrigin? From, ArchiveFrontier? End = null);

/// <summary>What an epoch goes on from.</summary>
/// <param name="Epoch">The epoch before.</param>
/// <param name="Frontier">How far of it.</param>
/// <param name="Until">Only what was received up to then, where it was restored to an instant.</param>
public sealed record ArchiveOrigin(uint Epoch, ArchiveFrontier Frontier, DateTimeOffset? Until);

/// <summary>What of an archive is no longer kept. It says so before anything is deleted.</summary>
/// <param name="Horizon">Any instant from then on can be restored.</param>
/// <param name="Logs">Epochs whose log isn't all kept.</param>
public sealed record ArchiveTrim(DateTimeOffset Horizon, IReadOnlyList<TrimmedLog> Logs);

/// <summary>What is kept of an epoch's log.</summary>
/// <param name="Epoch">The epoch.</param>
/// <param name="FirstGroup">The segment that the first group begins with; null where none is kept.</param>
public sealed record TrimmedLog(uint Epoch, ulong? FirstGroup);

/// <summary>Who writes to an archive.</summary>
/// <param name="Process">Random, for each process.</param>
/// <param name="Directory">The data directory's identity.</param>
/// <param name="Host">The machine's name, for messages.</param>
/// <param name="Until">When its lease ends, by the store's clock.</param>
public sealed record ArchiveWriter(Guid Process, Guid Directory, string Host, DateTimeOffset Until);

/// <summary>How far an epoch's log is archived.</summary>
/// <param name="Segment">The last segment before which nothing is missing.</param>
/// <param name="Sequence">The sequence of the last record; 0 before there is one.</param>
/// <param name="CompleteThrough">Everything that was received up to then is archived; null before anything is known.</param>
/// <param name="Groups">Objects so far, to reckon by: a crash may have it miss the last few.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Holes">Ranges of segments that are lost.</param>
public sealed record ArchiveFrontier(ulong Segment, ulong Sequence, DateTimeOffset? CompleteThrough, long Groups, long Bytes, long Holes)
{
    /// <summary>Of an epoch of which nothing is archived yet.</summary>
    public static ArchiveFrontier Before(ulong firstSegment) => new(firstSegment - 1, 0, null, 0, 0, 0);

    /// <summary>And with one more group.</summary>
    public ArchiveFrontier After(LogGroup group) => new(
        group.Place.Last,
        group.Counts.LastSequence > 0 ? group.Counts.LastSequence : Sequence,
        group.Counts.CompleteThroughUnixNano is > 0 and var through ? DateTimeOffset.UnixEpoch.AddTicks((long)(through / TimeSpan.NanosecondsPerTick)) : CompleteThrough,
        Groups + 1,
        Bytes + group.Segments.Sum(segment => (long)segment.Bytes.Length),
        Holes + group.Holes.Count);
}
