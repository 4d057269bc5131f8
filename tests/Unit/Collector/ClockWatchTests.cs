using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using TraceStore.Collector.Protection;

namespace TraceStore.Tests.Unit.Collector;

public class ClockWatchTests
{
    private readonly JumpingClock _clock = new();
    private readonly FakeLogger<ClockWatch> _log = new();

    [Fact]
    public void A_clock_that_runs_has_not_jumped()
    {
        var watch = new ClockWatch(_clock, _clock.Now, _log);
        _clock.Run(TimeSpan.FromDays(400));

        Assert.False(watch.HasJumped());
        Assert.Equal(0, _log.Collector.Count);
    }

    [Theory]
    [InlineData(400, "The system clock jumped from 2026-11-22 00:00:00Z to 2027-12-27 00:00:00Z.")]
    [InlineData(-400, "The system clock jumped from 2026-11-22 00:00:00Z to 2025-10-18 00:00:00Z.")]
    public void A_jump_is_said_once_with_what_to_do(int days, string said)
    {
        var watch = new ClockWatch(_clock, null, _log);
        _clock.Jump(TimeSpan.FromDays(days));

        Assert.True(watch.HasJumped());
        Assert.True(watch.HasJumped());

        _clock.Run(TimeSpan.FromHours(25));
        Assert.False(watch.HasJumped());

        Assert.Equal(1, _log.Collector.Count);
        Assert.Equal(LogLevel.Warning, _log.LatestRecord.Level);
        Assert.StartsWith(said, _log.LatestRecord.Message, StringComparison.Ordinal);
        Assert.Contains("Check NTP", _log.LatestRecord.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_clock_behind_the_log_is_said_at_start()
    {
        var watch = new ClockWatch(_clock, _clock.Now + TimeSpan.FromHours(1), _log);

        Assert.True(watch.HasJumped());
        Assert.StartsWith("The system clock says 2026-11-22 00:00:00Z, but the write-ahead log has been written at 2026-11-22 01:00:00Z.", _log.LatestRecord.Message, StringComparison.Ordinal);
    }

    /// <summary>A wall clock that may jump over a clock that only runs.</summary>
    private sealed class JumpingClock : TimeProvider
    {
        private TimeSpan _run;

        public DateTimeOffset Now { get; private set; } = new(2026, 11, 22, 0, 0, 0, TimeSpan.Zero);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Run(TimeSpan time)
        {
            _run += time;
            Now += time;
        }

        public void Jump(TimeSpan time) => Now += time;

        public override DateTimeOffset GetUtcNow() => Now;

        public override long GetTimestamp() => _run.Ticks;
    }
}
