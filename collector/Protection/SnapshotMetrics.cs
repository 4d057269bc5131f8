using System.Diagnostics.Metrics;

namespace TraceStore.Collector.Protection;

/// <summary>What snapshots tell about themselves. Names as Prometheus shows them, less the unit suffixes.</summary>
public sealed class SnapshotMetrics
{
    /// <summary>The meter to subscribe to.</summary>
    public const string MeterName = "TraceStore.Snapshots";

    private long _newestTicks, _holdTicks;

    public SnapshotMetrics(IMeterFactory factory, TimeProvider time)
    {
        Meter meter = factory.Create(MeterName);
        meter.CreateObservableGauge(
            "tracestore.snapshot.age", () => Newest is { } newest ? (time.GetUtcNow() - newest).TotalSeconds : double.NaN, "s", "How old the newest snapshot is: a restore replays what came behind it.");
        meter.CreateObservableGauge("tracestore.snapshot.hold", () => Hold is { } hold ? hold.TotalSeconds : double.NaN, "s", "How long storing waited for the newest snapshot; acknowledging never waits.");
        Taken = meter.CreateCounter<long>("tracestore.snapshot.taken", description: "Snapshots that this process has taken.");
        Failures = meter.CreateCounter<long>("tracestore.snapshot.failures", description: "Attempts to take one that failed.");
    }

    public Counter<long> Taken { get; }

    public Counter<long> Failures { get; }

    /// <summary>How long storing waited for the newest that this process has taken; null before it has.</summary>
    public TimeSpan? Hold
    {
        get => Interlocked.Read(ref _holdTicks) is > 0 and long ticks ? TimeSpan.FromTicks(ticks) : null;
        set => Interlocked.Exchange(ref _holdTicks, value?.Ticks ?? 0);
    }

    /// <summary>When the newest was taken; null where none is known.</summary>
    public DateTimeOffset? Newest
    {
        get => Interlocked.Read(ref _newestTicks) is > 0 and long ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;
        set => Interlocked.Exchange(ref _newestTicks, value?.UtcTicks ?? 0);
    }
}
