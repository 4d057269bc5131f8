using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Protection;

/// <summary>The days that retention has dropped, in a file: what else is missing is lost, and a snapshot must not hide it. Any thread may look.</summary>
/// <param name="path">The file; where it can't be written, what is known holds until the process ends.</param>
/// <param name="log">Told when it can't.</param>
public sealed class DroppedDays(string path, ILogger log)
{
    private const string IdFormat = "yyyyMMdd";
    private const int MaxDays = 4_000;

    private readonly Lock _lock = new();
    private List<string>? _days;

    /// <summary>Whether a day, by its partition's name, was dropped.</summary>
    public bool Contains(string partition)
    {
        lock (_lock) return Days.Contains(partition);
    }

    /// <summary>All of them.</summary>
    public IReadOnlyList<string> All
    {
        get
        {
            lock (_lock) return [.. Days];
        }
    }

    /// <summary>Notes that a day is about to be dropped.</summary>
    public void Note(DateOnly day)
    {
        lock (_lock)
        {
            string partition = day.ToString(IdFormat, CultureInfo.InvariantCulture);
            if (Days.Contains(partition)) return;
            Days.Add(partition);
            if (Days.Count > MaxDays) Days.RemoveAt(0);
            try
            {
                DurableFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(Days));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                log.LogWarning("{Path} can't be written: after a restart, the next snapshot may take a dropped day for lost. {Cause}", path, e.Message);
            }
        }
    }

    private List<string> Days => _days ??= Read();

    private List<string> Read()
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<List<string>>(File.ReadAllBytes(path)) ?? [] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            log.LogWarning("{Path} can't be read: the next snapshot may take a dropped day for lost. {Cause}", path, e.Message);
            return [];
        }
    }
}
