using System.Text.Json;
using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Archive;

/// <summary>What a data directory knows of its archive, so that it never takes another one, or an empty place, for it.</summary>
/// <param name="Directory">The data directory's identity: random.</param>
/// <param name="Lineage">The archive's identity; null before there is one.</param>
/// <param name="IsBegun">Whether the archive is known to have its head.</param>
/// <param name="Restored">What of the archive the directory was restored from; null once its own epoch has begun, which says so.</param>
/// <param name="Log">The write-ahead log that is archived: where another one is found, that one was lost. Null before any of it is.</param>
public sealed record ArchiveIdentity(Guid Directory, Guid? Lineage, bool IsBegun, ArchiveOrigin? Restored = null, ulong? Log = null)
{
    private const string FileName = "archive.json";

    private static readonly Lock s_changing = new();
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Reads it; a directory that has none gets one.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    /// <exception cref="IOException">It can't be read or written.</exception>
    public static ArchiveIdentity Of(string dataDirectory) => Change(dataDirectory, identity => identity);

    /// <summary>Reads it; null where a directory has none.</summary>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public static ArchiveIdentity? Find(string dataDirectory)
    {
        string path = Path.Combine(dataDirectory, FileName);
        if (!File.Exists(path)) return null;
        try
        {
            return JsonSerializer.Deserialize<ArchiveIdentity>(File.ReadAllBytes(path), s_json) is { } identity && identity.Directory != Guid.Empty
                ? identity
                : throw new JsonException("it names no directory");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} can't be read: {e.Message} It says which archive is this data directory's. Restore it from the archive's {ArchiveNames.Head}: directory is its writer's, lineage its own, isBegun is true.", e);
        }
    }

    /// <summary>Changes some of it, durably, whoever of this process changes something else.</summary>
    /// <returns>What it is now.</returns>
    public static ArchiveIdentity Change(string dataDirectory, Func<ArchiveIdentity, ArchiveIdentity> change)
    {
        lock (s_changing)
        {
            ArchiveIdentity? was = Find(dataDirectory);
            ArchiveIdentity will = change(was ?? new ArchiveIdentity(Guid.NewGuid(), null, false));
            return will == was ? was : will.Save(dataDirectory);
        }
    }

    /// <summary>Notes it durably.</summary>
    public ArchiveIdentity Save(string dataDirectory)
    {
        DurableFile.Replace(Path.Combine(dataDirectory, FileName), JsonSerializer.SerializeToUtf8Bytes(this, s_json));
        return this;
    }
}
