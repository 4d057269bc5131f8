using System.Diagnostics.Metrics;

namespace TraceStore.Storage.Archive;

/// <summary>What the archive tells about itself. Names as Prometheus shows them, less the unit suffixes.</summary>
public sealed class ArchiveMetrics
{
    /// <summary>The meter to subscribe to.</summary>
    public const string MeterName = "TraceStore.Archive";

    public ArchiveMetrics(IMeterFactory factory, LogArchiver archiver, TimeProvider time)
    {
        Meter meter = factory.Create(MeterName);
        meter.CreateObservableGauge(
            "tracestore.archive.recovery.point.age", () => archiver.CompleteThrough is { } through ? (time.GetUtcNow() - through).TotalSeconds : double.NaN, "s",
            "How old the newest instant is up to which everything received is archived: what a disaster now would cost.");
        meter.CreateObservableGauge("tracestore.archive.segments.waiting", () => archiver.Backlog.Segments, description: "Sealed segments of the log that aren't archived yet.");
        meter.CreateObservableGauge("tracestore.archive.waiting", () => archiver.Backlog.Bytes, "By", "Their bytes.");
        meter.CreateObservableCounter("tracestore.archive.groups", () => archiver.Shipped.Groups, description: "Objects of the log that this process has archived.");
        meter.CreateObservableCounter("tracestore.archive.shipped", () => archiver.Shipped.Bytes, "By", "Their bytes, before encryption.");
        meter.CreateObservableCounter("tracestore.archive.failures", () => archiver.Failures, description: "Attempts to archive that failed and were repeated.");
        meter.CreateObservableCounter("tracestore.archive.holes", () => archiver.Shipped.Holes, description: "Ranges of the log that could not be archived and are lost to a restore.");
    }
}
