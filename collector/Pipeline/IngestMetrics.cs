using System.Diagnostics.Metrics;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>What ingest tells about itself. Names as Prometheus shows them, less the unit suffixes.</summary>
public sealed class IngestMetrics
{
    /// <summary>The meter to subscribe to.</summary>
    public const string MeterName = "TraceStore.Collector";

    private static readonly InstrumentAdvice<double> s_durations = new()
    {
        HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    public IngestMetrics(IMeterFactory factory, WriteAheadLog wal, Quarantine quarantine)
    {
        Meter meter = factory.Create(MeterName);
        SpansAccepted = meter.CreateCounter<long>("tracestore.ingest.spans.accepted", description: "Spans acknowledged: durable in the write-ahead log.");
        SpansRejected = meter.CreateCounter<long>("tracestore.ingest.spans.rejected", description: "Spans rejected one by one (partial success), by reason.");
        SpansStored = meter.CreateCounter<long>("tracestore.ingest.spans.stored", description: "Spans stored in ClickHouse.");
        BytesAccepted = meter.CreateCounter<long>("tracestore.ingest.accepted", "By", "Bytes of OTLP acknowledged.");
        RequestsRejected = meter.CreateCounter<long>("tracestore.ingest.requests.rejected", description: "Requests refused for good, by reason.");
        RequestsActive = meter.CreateUpDownCounter<long>("tracestore.ingest.requests.active", description: "Requests that are being received or answered.");
        RequestsRefused = meter.CreateCounter<long>("tracestore.ingest.requests.refused", description: "Requests answered with 'unavailable, retry', by reason.");
        InsertFailures = meter.CreateCounter<long>("tracestore.ingest.insert.failures", description: "Attempts to store a block, or to prepare the schema, that failed and were repeated.");
        SegmentsQuarantined = meter.CreateCounter<long>("tracestore.ingest.segments.quarantined", description: "Segments set aside because ClickHouse refused them though it took others.");
        RecordsDamaged = meter.CreateCounter<long>("tracestore.wal.damages", description: "Stretches of the write-ahead log that couldn't be read and were set aside.");
        DaysDropped = meter.CreateCounter<long>("tracestore.retention.days.dropped", description: "Days of spans dropped because they were too old or too much.");
        meter.CreateObservableGauge("tracestore.storage.size", () => StoredBytes, "By", "Bytes of all tables on disk.");
        InsertDuration = meter.CreateHistogram<double>("tracestore.ingest.insert.duration", "s", "Time to store a block: to insert it and to see that it is on disk.", advice: s_durations);
        meter.CreateObservableGauge("tracestore.wal.size", () => wal.Bytes, "By", "Bytes of the write-ahead log on disk.");
        meter.CreateObservableGauge("tracestore.wal.segments.waiting", () => wal.Waiting.Segments + (wal.IsWriting ? 1 : 0), description: "Segments of the write-ahead log still to be stored; they grow while ClickHouse is away.");
        meter.CreateObservableGauge("tracestore.wal.quarantine.entries", () => quarantine.Count, description: "What is set aside for a person to look at; see tracestore quarantine.");
    }

    /// <summary>Counts what was refused or rejected, under the reason's name.</summary>
    public static void Count(Counter<long> counter, string reason, long count = 1)
    {
        if (count > 0) counter.Add(count, new KeyValuePair<string, object?>("reason", reason));
    }

    public Counter<long> SpansAccepted { get; }

    public Counter<long> SpansRejected { get; }

    public Counter<long> SpansStored { get; }

    public Counter<long> BytesAccepted { get; }

    public Counter<long> RequestsRejected { get; }

    public Counter<long> RequestsRefused { get; }

    public UpDownCounter<long> RequestsActive { get; }

    public Counter<long> InsertFailures { get; }

    public Counter<long> SegmentsQuarantined { get; }

    public Counter<long> RecordsDamaged { get; }

    public Counter<long> DaysDropped { get; }

    /// <summary>What the tables take on disk, as last looked at.</summary>
    public long StoredBytes { get; set; }

    public Histogram<double> InsertDuration { get; }
}
