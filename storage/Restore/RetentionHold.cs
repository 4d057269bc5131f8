using System.Text.Json;
using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Restore;

/// <summary>Keeps retention from what was restored, until somebody has looked at it: lies in the data directory from a restore's end on.</summary>
/// <param name="From">The archive's address.</param>
/// <param name="Instant">To which instant it was restored; null for the newest.</param>
/// <param name="Restored">When the restore was done.</param>
/// <param name="IsCopy">Whether the directory is only to be looked at.</param>
public sealed record RetentionHold(string From, DateTimeOffset? Instant, DateTimeOffset Restored, bool IsCopy = false)
{
    private const string FileName = "restored.json";

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Whether nothing in a directory may be dropped.</summary>
    public static bool IsIn(string dataDirectory) => File.Exists(Path.Combine(dataDirectory, FileName));

    /// <summary>Reads it; null where there is none, or none that can be read.</summary>
    public static RetentionHold? Find(string dataDirectory)
    {
        try
        {
            return IsIn(dataDirectory) ? JsonSerializer.Deserialize<RetentionHold>(File.ReadAllBytes(Path.Combine(dataDirectory, FileName)), s_json) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Notes it durably.</summary>
    public void Save(string dataDirectory) => DurableFile.Replace(Path.Combine(dataDirectory, FileName), JsonSerializer.SerializeToUtf8Bytes(this, s_json));

    /// <summary>Lets retention go on; false where it does.</summary>
    public static bool Release(string dataDirectory)
    {
        if (!IsIn(dataDirectory)) return false;
        File.Delete(Path.Combine(dataDirectory, FileName));
        DirectorySync.Sync(dataDirectory);
        return true;
    }
}
