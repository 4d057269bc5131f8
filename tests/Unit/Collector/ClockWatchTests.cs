using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using TraceStore.Collector.Protection;
using TraceStore.Storage.ClickHouse;

namespace TraceStore.Tests.Unit.Collector;

public sealed class ClockWatchTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly JumpingClock _clock = new();
    private readonly FakeLogger<ClockWatch> _log = new();

    private WrongDays WrongDays => new(Path.Combine(_directory.Path, "wrong-days.json"), NullLogger.Instance);

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void What_a_clock_that_was_behind_has_dated_is_as_old_as_it_really_is_also_after_a_restart()
    {
        var watch = new ClockWatch(_clock, null, WrongDays, _log); // thirty days behind
        _clock.Run(TimeSpan.FromHours(30));
        _clock.Jump(TimeSpan.FromDays(30));
        Assert.True(watch.HasJumped());

        var real = new DateOnly(2026, 12, 23);
        WrongDays afterRestart = WrongDays;
        Assert.Equal(
            [real, real, new DateOnly(2026, 11, 24)],
            new[] { new DateOnly(2026, 11, 22), new DateOnly(2026, 11, 23), new DateOnly(2026, 11, 24) }.Select(afterRestart.ReallyReceived));
        Assert.Empty(RetentionPolicy.Choose(
            [new(new DateOnly(2026, 11, 22), 1), new(new DateOnly(2026, 11, 23), 1), new(real, 1)], real, new RetentionOptions(), afterRestart.ReallyReceived));
    }

    [Fact]
    public void A_file_of_wrong_days_that_is_none_is_no_crash()
    {
        File.WriteAllText(Path.Combine(_directory.Path, "wrong-days.json"), "{");

        Assert.Equal(new DateOnly(2026, 1, 1), WrongDays.ReallyReceived(new DateOnly(2026, 1, 1)));
    }

    [Fact]
    public void A_clock_that_runs_has_not_jumped()
    {
        var watch = new ClockWatch(_clock, _clock.Now, WrongDays, _log);
        _clock.Run(TimeSpan.FromDays(400));

        Assert.False(watch.HasJumped());
        Assert.Equal(0, _log.Collector.Count);
    }

    [Theory]
    [InlineData(400, "The system clock jumped from 2026-11-22 00:00:00Z to 2027-12-27 00:00:00Z.")]
    [InlineData(-400, "The system clock jumped from 2026-11-22 00:00:00Z to 2025-10-18 00:00:00Z.")]
    public void A_jump_is_said_once_with_what_to_do(int days, string said)
    {
        var watch = new ClockWatch(_clock, null, WrongDays, _log);
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
        var watch = new ClockWatch(_clock, _clock.Now + TimeSpan.FromHours(1), WrongDays, _log);

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
