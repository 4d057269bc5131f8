using Microsoft.Extensions.Logging;
using TraceStore.Collector.Pipeline;
using TraceStore.Storage.ClickHouse;

namespace TraceStore.Collector.Protection;

/// <summary>
/// Drops days as the <see cref="RetentionPolicy"/> says, and says so. Looks every minute; by age at most one day goes in an
/// hour, and none after the clock has jumped, so that a wrong clock is noticed before it costs much. While somebody holds what is stored, none go.
/// </summary>
public sealed class RetentionSchedule : IAsyncDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_betweenAges = TimeSpan.FromHours(1);

    private readonly DayPartitions _partitions;
    private readonly RetentionOptions _options;
    private readonly Func<bool> _isHeld;
    private readonly DroppedDays _dropped;
    private readonly ClockWatch _clock;
    private readonly WrongDays _wrongDays;
    private readonly TimeProvider _time;
    private readonly IngestMetrics _metrics;
    private readonly ILogger<RetentionSchedule> _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private long? _lastByAge;

    public RetentionSchedule(
        DayPartitions partitions, RetentionOptions options, Func<bool> isHeld, DroppedDays dropped, ClockWatch clock, WrongDays wrongDays, TimeProvider time, IngestMetrics metrics, ILogger<RetentionSchedule> log)
    {
        (_partitions, _options, _isHeld, _dropped, _clock, _wrongDays, _time, _metrics, _log) = (partitions, options, isHeld, dropped, clock, wrongDays, time, metrics, log);
        _running = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _ = _clock.HasJumped(); // what is known of the clock is known to the next start
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(s_period, _time);
        try
        {
            do
            {
                await SweepAsync().ConfigureAwait(false);
            }
            while (await timer.WaitForNextTickAsync(_stopping.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // stopping
        }
    }

    private async Task SweepAsync()
    {
        try
        {
            bool mayExpireByAge = !_clock.HasJumped() && (_lastByAge is not { } last || _time.GetElapsedTime(last) >= s_betweenAges);
            IReadOnlyList<DayPartition> days = await _partitions.ReadAsync(_stopping.Token).ConfigureAwait(false);
            _metrics.StoredBytes = days.Sum(day => day.Bytes);
            if (_isHeld()) return;
            RetentionOptions options = mayExpireByAge ? _options : _options with { MaxAge = TimeSpan.MaxValue };
            foreach (ExpiredDay expired in RetentionPolicy.Choose(days, DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime), options, _wrongDays.ReallyReceived))
            {
                _dropped.Note(expired.Partition.Day);
                await _partitions.DropAsync(expired.Partition.Day, _stopping.Token).ConfigureAwait(false);
                if (expired.IsByAge) _lastByAge = _time.GetTimestamp();
                _metrics.DaysDropped.Add(1);
                _log.LogWarning(
                    "Dropped the spans received on {Day}, {Bytes} MiB: {Reason}.", expired.Partition.Day.ToString("O", System.Globalization.CultureInfo.InvariantCulture), expired.Partition.Bytes >> 20, expired.Reason);
            }
        }
        catch (ClickHouseUnavailableException e)
        {
            _log.LogDebug("Retention waits for ClickHouse: {Cause}", e.Message);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _log.LogError(e, "Days that are too old or too much can't be dropped; it is tried again in a minute.");
        }
    }
}
