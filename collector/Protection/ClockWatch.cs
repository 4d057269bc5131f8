using Microsoft.Extensions.Logging;

namespace TraceStore.Collector.Protection;

/// <summary>
/// Notices a system clock that jumps, by a clock that doesn't. Spans keep their own times; the day they count as received on,
/// and so when they expire, follows the system's clock.
/// </summary>
public sealed class ClockWatch
{
    private static readonly TimeSpan s_tolerance = TimeSpan.FromMinutes(1);

    /// <summary>For so long after a jump it is remembered: time for a person to see it, and for the clock to be set right.</summary>
    private static readonly TimeSpan s_memory = TimeSpan.FromHours(24);

    private readonly TimeProvider _time;
    private readonly WrongDays _wrongDays;
    private readonly ILogger<ClockWatch> _log;
    private readonly long _startTimestamp;
    private DateTimeOffset _start;
    private long? _jumpedAt;

    /// <param name="time">The two clocks.</param>
    /// <param name="newestKnown">When the newest segment of the log was created: no right clock is behind it.</param>
    /// <param name="wrongDays">Gets the days that a clock which was behind has put on what was received.</param>
    /// <param name="log">Told of every jump.</param>
    public ClockWatch(TimeProvider time, DateTimeOffset? newestKnown, WrongDays wrongDays, ILogger<ClockWatch> log)
    {
        (_time, _wrongDays, _log, _start, _startTimestamp) = (time, wrongDays, log, time.GetUtcNow(), time.GetTimestamp());
        if (newestKnown is { } newest && _start < newest - s_tolerance)
        {
            Note(FormattableString.Invariant($"The system clock says {_start:u}, but the write-ahead log has been written at {newest:u}"));
        }
    }

    /// <summary>Whether the clock has jumped within a day, or was behind at the start.</summary>
    public bool HasJumped()
    {
        DateTimeOffset expected = _start + _time.GetElapsedTime(_startTimestamp);
        DateTimeOffset now = _time.GetUtcNow();
        if ((now - expected).Duration() > s_tolerance)
        {
            Note(FormattableString.Invariant($"The system clock jumped from {expected:u} to {now:u}"));
            if (now > expected) _wrongDays.Note(DayOf(_start), DayOf(expected), really: DayOf(now));
            _start += now - expected; // say each jump once
        }

        return _jumpedAt is { } jumpedAt && _time.GetElapsedTime(jumpedAt) < s_memory;
    }

    private static DateOnly DayOf(DateTimeOffset time) => DateOnly.FromDateTime(time.UtcDateTime);

    private void Note(string what)
    {
        _jumpedAt = _time.GetTimestamp();
        _log.LogWarning("{What}. Nothing is lost, but days of receipt follow the clock. Check NTP; no day expires by age for the next 24 hours.", what);
    }
}
