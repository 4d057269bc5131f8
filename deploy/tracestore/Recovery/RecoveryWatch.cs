using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using TraceStore.Settings;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Recovery;

/// <summary>Looks at the recovery plan every few minutes, tells metrics of it, reads the archive once a day, and rehearses the recovery when it is time.</summary>
internal sealed class RecoveryWatch : IAsyncDisposable
{
    /// <summary>The meter to subscribe to.</summary>
    public const string MeterName = "TraceStore.Recovery";

    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_scrubEvery = TimeSpan.FromDays(1);
    private static readonly TimeSpan s_deadline = TimeSpan.FromHours(2);

    private readonly TraceStoreSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _logs;
    private readonly ILogger<RecoveryWatch> _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private volatile RecoveryPlan? _plan;

    public RecoveryWatch(TraceStoreSettings settings, IMeterFactory meters, TimeProvider time, ILoggerFactory logs)
    {
        (_settings, _time, _logs, _log) = (settings, time, logs, logs.CreateLogger<RecoveryWatch>());
        Measure(meters.Create(MeterName));
        _running = Task.Run(RunAsync);
    }

    /// <summary>The plan as it was last looked at; null before the first look.</summary>
    public RecoveryPlan? Plan => _plan;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private void Measure(Meter meter)
    {
        meter.CreateObservableGauge(
            "tracestore.recovery.findings",
            () => Enum.GetValues<FindingLevel>().Select(level => new Measurement<int>(_plan?.Findings.Count(finding => finding.Level == level) ?? 0, new KeyValuePair<string, object?>("level", Name(level)))),
            description: "What is wrong with the recovery plan (tracestore plan), by level: broken, warning, note.");
        meter.CreateObservableGauge("tracestore.recovery.expected.time", () => _plan?.Facts.ExpectedTime?.TotalSeconds ?? double.NaN, "s", "How long a restore would take now.");
        meter.CreateObservableGauge("tracestore.recovery.drill.time", () => _plan?.Facts.LastPassed?.RecoverySeconds ?? double.NaN, "s", "How long the restore of the last drill that passed took.");
        meter.CreateObservableGauge(
            "tracestore.recovery.drill.age", () => _plan?.Facts.LastPassed is { } passed ? (_time.GetUtcNow() - passed.Started).TotalSeconds : double.NaN, "s", "How old the last drill is that passed.");
    }

    private static string Name(FindingLevel level) => level switch { FindingLevel.Broken => "broken", FindingLevel.Warning => "warning", _ => "note" };

    private async Task RunAsync()
    {
        CancellationToken stopping = _stopping.Token;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                _plan = RecoveryPlan.Of(await FactFinder.FindAsync(_settings, stopping).ConfigureAwait(false));
                if (IsScrubDue(_plan.Facts)) await ScrubAsync(stopping).ConfigureAwait(false);
                if (IsDrillDue(_plan.Facts)) await RehearseAsync(stopping).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OperationCanceledException || !stopping.IsCancellationRequested)
            {
                _log.LogWarning("The recovery plan can't be looked at now. {Cause}", e.Message);
            }

            await Task.Delay(s_period, _time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Once a day, by when the newest snapshot was verified: whoever did.</summary>
    private bool IsScrubDue(RecoveryFacts facts) =>
        _settings.Archive!.IsScrubbed && facts.Failure is null && facts.Snapshots.Count > 0 && !(facts.Now - facts.LastVerified < s_scrubEvery)
        && facts.Now - facts.Snapshots[0].Id.Taken > s_period; // not at once after the first, with which a new TraceStore has enough to do

    private async Task ScrubAsync(CancellationToken stopping)
    {
        IObjectStore store = ObjectStores.Open(_settings.Archive!.Store);
        await using (store.ConfigureAwait(false))
        {
            await new ArchiveScrub(store, _logs.CreateLogger<ArchiveScrub>()).RunAsync(DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime), _ => { }, stopping).ConfigureAwait(false);
            _plan = RecoveryPlan.Of(await FactFinder.FindAsync(_settings, stopping).ConfigureAwait(false));
        }
    }

    /// <summary>The first is due once there is something to restore.</summary>
    private bool IsDrillDue(RecoveryFacts facts)
    {
        TimeSpan every = _settings.Archive!.DrillEvery;
        if (every <= TimeSpan.Zero || facts.Failure is not null || facts.Head is not { } head || _settings.Engine is null) return false;
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
            _plan = RecoveryPlan.Of(await FactFinder.FindAsync(_settings, stopping).ConfigureAwait(false));
        }
    }
}
