using Microsoft.Extensions.Logging;

namespace TraceStore.Collector.Protection;

/// <summary>
/// Notices a system clock that jumps, by a clock that doesn't. Spans keep their own times; the day they count as received on,
/// and so when they expire, follows the system's clock.
/// </summary>
public sealed class ClockWatch
{
    private static readonly TimeSpan s_tolerance = TimeSpan.FromMinutes(1);

    private readonly TimeProvider _time;
    private readonly ILogger<ClockWatch> _log;
    private readonly long _startTimestamp;
    private DateTimeOffset _start;
    private bool _hasJumped;

    /// <param name="newestKnown">When the newest segment of the log was created: no right clock is behind it.</param>
    public ClockWatch(TimeProvider time, DateTimeOffset? newestKnown, ILogger<ClockWatch> log)
    {
        (_time, _log, _start, _startTimestamp) = (time, log, time.GetUtcNow(), time.GetTimestamp());
        if (newestKnown is { } newest && _start < newest - s_tolerance)
        {
            Note(FormattableString.Invariant($"The system clock says {_start:u}, but the write-ahead log has been written at {newest:u}"));
        }
    }

    /// <summary>Whether the clock has jumped since the start, or was behind then.</summary>
    public bool HasJumped()
    {
        DateTimeOffset expected = _start + _time.GetElapsedTime(_startTimestamp);
        DateTimeOffset now = _time.GetUtcNow();
        if ((now - expected).Duration() > s_tolerance)
        {
            Note(FormattableString.Invariant($"The system clock jumped from {expected:u} to {now:u}"));
            _start += now - expected; // say each jump once
        }

        return _hasJumped;
    }

    private void Note(string what)
    {
        _hasJumped = true;
        _log.LogWarning("{What}. Nothing is lost, but days of receipt follow the clock. Check NTP; no day expires by age until TraceStore is started again with a right clock.", what);
    }
}
