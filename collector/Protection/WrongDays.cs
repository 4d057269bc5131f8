using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace TraceStore.Collector.Protection;

/// <summary>
/// The days that a wrong clock has put on what was received, with those on which that really was, in a file: it holds over
/// restarts, for as long as such a day may be kept. Used by one thread at a time.
/// </summary>
/// <param name="path">The file; where it can't be read or written, what is known holds until the process ends.</param>
/// <param name="log">Told when it can't.</param>
public sealed class WrongDays(string path, ILogger log)
{
    private Dictionary<DateOnly, DateOnly>? _days;

    /// <summary>When spans of a day were really received.</summary>
    public DateOnly ReallyReceived(DateOnly day) => Days.GetValueOrDefault(day, day);

    /// <summary>Notes that all that was received on days up to another was really received on the day of that.</summary>
    public void Note(DateOnly first, DateOnly last, DateOnly really)
    {
        for (DateOnly day = first; day <= last; day = day.AddDays(1)) Days[day] = really;
        try
        {
            string temporary = path + ".new";
            File.WriteAllText(temporary, JsonSerializer.Serialize(Days));
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.LogWarning("{Path} can't be written: after a restart, spans that a wrong clock has dated may expire too early. {Cause}", path, e.Message);
        }
    }

    private Dictionary<DateOnly, DateOnly> Days => _days ??= Read();

    private Dictionary<DateOnly, DateOnly> Read()
    {
        try
        {
            return File.Exists(path) ? JsonSerializer.Deserialize<Dictionary<DateOnly, DateOnly>>(File.ReadAllText(path)) ?? [] : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            log.LogWarning("{Path} can't be read: spans that a wrong clock has dated may expire too early. {Cause}", path, e.Message);
            return [];
        }
    }
}
