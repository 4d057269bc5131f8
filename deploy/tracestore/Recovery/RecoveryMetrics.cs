using System.Diagnostics.Metrics;
using TraceStore.Storage.Restore;

namespace TraceStore.Recovery;

/// <summary>What the recovery plan tells about itself. Names as Prometheus shows them, less the unit suffixes.</summary>
internal sealed class RecoveryMetrics
{
    /// <summary>The meter to subscribe to.</summary>
    public const string MeterName = "TraceStore.Recovery";

    private volatile RecoveryPlan? _plan;

    public RecoveryMetrics(IMeterFactory factory, TimeProvider time)
    {
        Meter meter = factory.Create(MeterName);
        meter.CreateObservableGauge(
            "tracestore.recovery.findings",
            () => Enum.GetValues<FindingLevel>().Select(level => new Measurement<int>(_plan?.Findings.Count(finding => finding.Level == level) ?? 0, new KeyValuePair<string, object?>("level", Name(level)))),
            description: "What is wrong with the recovery plan (tracestore plan), by level: broken, warning, note.");
        meter.CreateObservableGauge("tracestore.recovery.expected.time", () => _plan?.Facts.ExpectedTime?.TotalSeconds ?? double.NaN, "s", "How long a restore would take now.");
        meter.CreateObservableGauge("tracestore.recovery.drill.time", () => _plan?.Facts.LastPassed?.RecoverySeconds ?? double.NaN, "s", "How long the restore of the last drill that passed took.");
        meter.CreateObservableGauge(
            "tracestore.recovery.drill.age", () => _plan?.Facts.LastPassed is { } passed ? (time.GetUtcNow() - passed.Started).TotalSeconds : double.NaN, "s", "How old the last drill is that passed.");
    }

    /// <summary>The plan as it was last looked at; null before the first look.</summary>
    public RecoveryPlan? Plan
    {
        get => _plan;
        set => _plan = value;
    }

    private static string Name(FindingLevel level) => level switch { FindingLevel.Broken => "broken", FindingLevel.Warning => "warning", _ => "note" };
}
