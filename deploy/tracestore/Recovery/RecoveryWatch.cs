using Microsoft.Extensions.Logging;
using TraceStore.Settings;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Recovery;

/// <summary>Looks at the recovery plan every few minutes, tells metrics of it, reads the archive once a day, and rehearses the recovery when it is time.</summary>
internal sealed class RecoveryWatch : IAsyncDisposable
{
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_stopPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_scrubEvery = TimeSpan.FromDays(1);
    private static readonly TimeSpan s_deadline = TimeSpan.FromHours(2);

    private readonly TraceStoreSettings _settings;
    private readonly RecoveryMetrics _metrics;
    private readonly Func<string?> _missing;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _logs;
    private readonly ILogger<RecoveryWatch> _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private DateTimeOffset? _lastScrub;

    public RecoveryWatch(TraceStoreSettings settings, RecoveryMetrics metrics, Func<string?> missing, TimeProvider time, ILoggerFactory logs)
    {
        (_settings, _metrics, _missing, _time, _logs, _log) = (settings, metrics, missing, time, logs, logs.CreateLogger<RecoveryWatch>());
        _running = Task.Run(RunAsync);
    }

    /// <summary>The plan as it was last looked at; null before the first look.</summary>
    public RecoveryPlan? Plan => _metrics.Plan;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.WaitAsync(s_stopPatience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // a drill that is cut off is cleaned up by the next
        if (_running.IsCompleted) _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        CancellationToken stopping = _stopping.Token;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                RecoveryPlan plan = _metrics.Plan = RecoveryPlan.Of(await FactFinder.FindAsync(_settings, stopping).ConfigureAwait(false));
                if (IsScrubDue(plan.Facts)) await ScrubAsync(stopping).ConfigureAwait(false);
                if (IsDrillDue(plan.Facts)) await RehearseAsync(stopping).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stopping.IsCancellationRequested)
            {
                _log.LogWarning("The recovery plan can't be looked at now. {Cause}", e.Message);
            }

            await Task.Delay(s_period, _time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Once a day and not while a restore goes on, by when the newest snapshot was verified: whoever did.</summary>
    private bool IsScrubDue(RecoveryFacts facts) =>
        _settings.Archive!.IsScrubbed && _missing() is null && !(facts.Now - _lastScrub < s_scrubEvery) && facts.Failure is null && facts.Snapshots.Count > 0 && !(facts.Now - facts.LastVerified < s_scrubEvery)
        && facts.Now - facts.Snapshots[0].Id.Taken > s_period; // not at once after the first, with which a new TraceStore has enough to do

    private async Task ScrubAsync(CancellationToken stopping)
    {
        _lastScrub = _time.GetUtcNow(); // one that finds damage isn't begun again at once
        IObjectStore store = ObjectStores.Open(_settings.Archive!.Store);
        await using (store.ConfigureAwait(false))
        {
            await new ArchiveScrub(store, _logs.CreateLogger<ArchiveScrub>()).RunAsync(DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime), _ => { }, stopping).ConfigureAwait(false);
            _metrics.Plan = RecoveryPlan.Of(await FactFinder.FindAsync(_settings, stopping).ConfigureAwait(false));
        }
    }

    /// <summary>The first is due once there is something to restore.</summary>
    private bool IsDrillDue(RecoveryFacts facts)
    {
        TimeSpan every = _settings.Archive!.DrillEvery;
        if (every <= TimeSpan.Zero || _missing() is not null || facts.Failure is not null || facts.Head is not { } head || _settings.Engine is null) return false;
        DateTimeOffset last = facts.Drills.Count > 0 ? facts.Drills[0].Started : head.Epochs[0].Began;
        return _time.GetUtcNow() - last >= every;
    }

    private async Task RehearseAsync(CancellationToken stopping)
    {
        IObjectStore store = ObjectStores.Open(_settings.Archive!.Store);
        await using (store.ConfigureAwait(false))
        {
            var drill = new Drill(_settings, store, Path.Combine(_settings.DataDirectory, "drill"), _logs, (_, _) => { });
            DrillReport report = await drill.RunAsync(s_deadline, stopping).ConfigureAwait(false);
            await DrillHistory.AddAsync(store, report, stopping).ConfigureAwait(false);
            if (report.Failure is { } failure) _log.LogError("The rehearsed recovery failed: {Cause}", failure);
            _metrics.Plan = RecoveryPlan.Of(await FactFinder.FindAsync(_settings, stopping).ConfigureAwait(false));
        }
    }
}
