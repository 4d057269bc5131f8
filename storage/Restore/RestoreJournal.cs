using System.Text.Json;
using TraceStore.Storage.Snapshots;
using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Restore;

/// <summary>How far a restore has come: lies in the data directory from before its first step to after its last, and keeps TraceStore from serving what isn't whole.</summary>
/// <param name="From">The archive's address.</param>
/// <param name="Plan">What is restored.</param>
/// <param name="IsCopy">Whether the directory is only to be looked at, and will not go on as the archive's writer.</param>
/// <param name="HasSnapshot">Whether the plan's snapshot is back, or there is none.</param>
/// <param name="Spans">Spans of the snapshot and of the stretches that are done.</param>
/// <param name="Stretch">Which of the plan's stretches is in hand.</param>
/// <param name="Fetched">How far of it was brought back.</param>
/// <param name="IsServed">Whether TraceStore serves the directory meanwhile, and says that what it answers is partial.</param>
/// <param name="Into">The external ClickHouse that is restored into, and its database; null for the embedded engine.</param>
/// <param name="IsOfLostLog">Whether only what a lost log had archived is brought back: planned anew at each start, and nothing else waits for it.</param>
public sealed record RestoreJournal(string From, RestorePlan Plan, bool IsCopy, bool HasSnapshot, long Spans, int Stretch, FetchedLog Fetched, bool IsServed = false, string? Into = null, bool IsOfLostLog = false)
{
    public const string FileName = "restore.json";

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true, Converters = { new SnapshotId.JsonConverter() } };

    public static RestoreJournal Begin(string from, RestorePlan plan, bool isCopy, string? into) => new(from, plan, isCopy, HasSnapshot: plan.Snapshot is null, 0, 0, FetchedLog.Before(plan.Stretches[0]), Into: into);

    /// <summary>The restore that was begun in a directory; null for none.</summary>
    /// <exception cref="InvalidDataException">It can't be read.</exception>
    public static RestoreJournal? Read(string dataDirectory)
    {
        string path = Path.Combine(dataDirectory, FileName);
        if (!File.Exists(path)) return null;
        try
        {
            return JsonSerializer.Deserialize<RestoreJournal>(File.ReadAllBytes(path), s_json) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{path} can't be read: {e.Message} Delete the directory and restore anew.", e);
        }
    }

    /// <summary>Whether a directory is being restored.</summary>
    public static bool IsIn(string dataDirectory) => File.Exists(Path.Combine(dataDirectory, FileName));

    /// <summary>Whether a restore keeps retention from a directory.</summary>
    public static bool HoldsRetention(string dataDirectory) => IsIn(dataDirectory) && Read(dataDirectory) is { IsOfLostLog: false };

    /// <summary>What goes on elsewhere than it was begun is less than it says.</summary>
    /// <exception cref="RestoreRefusedException">It was begun into another ClickHouse, or database.</exception>
    public void CheckInto(string? into)
    {
        if (into != Into) throw new RestoreRefusedException($"The restore was begun into {Into ?? "the embedded engine"}, and can't go on into {into ?? "the embedded engine"}: set ClickHouse:Url and ClickHouse:Database as they were, or choose another directory with --data.");
    }

    /// <summary>Notes it durably.</summary>
    public RestoreJournal Save(string dataDirectory)
    {
        DurableFile.Replace(Path.Combine(dataDirectory, FileName), JsonSerializer.SerializeToUtf8Bytes(this, s_json));
        return this;
    }

    /// <summary>The restore is done.</summary>
    public static void Delete(string dataDirectory)
    {
        File.Delete(Path.Combine(dataDirectory, FileName));
        DirectorySync.Sync(dataDirectory);
    }
}
