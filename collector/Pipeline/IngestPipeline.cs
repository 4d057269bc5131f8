using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>
/// Ingest, first half: from a request's bytes to the answer.
/// <list type="number">
/// <item>See that the client keeps to its rate (<see cref="ClientRates"/>), whatever it sends.</item>
/// <item>Scan the bytes (<see cref="OtlpScanner"/>).</item>
/// <item>Admit (<see cref="Admission"/>): all, part or none of the spans.</item>
/// <item>Take rejected spans out (<see cref="OtlpSpanFilter"/>).</item>
/// <item>Append to the log and wait until it is durable (<see cref="WriteAheadLog"/>).</item>
/// <item>Answer.</item>
/// </list>
/// The second half, <see cref="SegmentFollower"/>, starts where the log seals a segment.
/// </summary>
public sealed class IngestPipeline(WriteAheadLog wal, IngestOptions options, int maxRequestBytes, IngestMetrics metrics, ILogger<IngestPipeline> log) : IDisposable
{
    private const string MemoryReason = "memory";

    private static readonly TimeSpan s_ailingAfterRefusal = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_keptOutFor = TimeSpan.FromSeconds(1);

    private readonly ClientRates _rates = new(options.MaxClientBytesPerSecond, maxRequestBytes);
    private long _lastRefusalLogged = Stopwatch.GetTimestamp() - (60 * Stopwatch.Frequency);
    private volatile MemoryRefusal? _memoryRefusal;

    /// <summary>Why requests are refused just now before they are received; null when they aren't.</summary>
    public string? Ailment => _memoryRefusal is { } last && Stopwatch.GetElapsedTime(last.At) < s_ailingAfterRefusal ? last.Message : null;

    /// <summary>Why a client may not even begin to send: it has sent more than it may. Null when it may.</summary>
    public ExportOutcome? WhyKeptOut(string client) =>
        _rates.HasRoom(client) ? null : RefuseForRate(client, s_keptOutFor);

    /// <summary>A request was refused before it was received, for want of memory.</summary>
    public void NoteRefused(string reason, string message)
    {
        if (reason == MemoryReason) _memoryRefusal = new MemoryRefusal(Stopwatch.GetTimestamp(), message);
        Refuse(reason, message, default);
    }

    /// <summary>A request was rejected for good before the pipeline saw it. What it took to receive it counts all the same.</summary>
    public void NoteRejected(string client, string reason, long bytes)
    {
        IngestMetrics.Count(metrics.RequestsRejected, reason);
        _rates.Take(client, bytes);
    }

    /// <summary>Takes an ExportTraceServiceRequest in protobuf encoding. It doesn't throw for what a client can do.</summary>
    /// <param name="request">The request.</param>
    /// <param name="client">Who sends it: its address.</param>
    /// <param name="unknownField">A field that the request had in JSON and that isn't known, if there was one.</param>
    public async Task<ExportOutcome> ExportAsync(ReadOnlyMemory<byte> request, string client, string? unknownField = null)
    {
        if (!_rates.TryTake(client, request.Length, out TimeSpan retryAfter)) return RefuseForRate(client, retryAfter); // 1

        OtlpScan scan = OtlpScanner.Scan(request.Span, options.Limits); // 2
        Admission admission = Admission.Of(scan, unknownField); // 3
        CountRejections(scan);
        switch (admission.Verdict)
        {
            case AdmissionVerdict.Malformed:
                return new ExportOutcome(ExportOutcomeKind.Malformed, Message: admission.Message);
            case AdmissionVerdict.Empty:
                return new ExportOutcome(ExportOutcomeKind.Accepted, Message: admission.Message);
            case AdmissionVerdict.None:
                return new ExportOutcome(ExportOutcomeKind.Accepted, admission.RejectedSpans, admission.Message);
            case AdmissionVerdict.Part:
                request = OtlpSpanFilter.Without(request.Span, scan.Rejected); // 4
                break;
        }

        try
        {
            await wal.AppendAsync(request.Span, admission.AcceptedSpans, tenant: []).ConfigureAwait(false); // 5
        }
        catch (WalRefusedException refused)
        {
            return Refuse(NameOf(refused.Reason), refused.Message, refused.RetryAfter);
        }

        metrics.SpansAccepted.Add(admission.AcceptedSpans); // 6
        metrics.BytesAccepted.Add(request.Length);
        return new ExportOutcome(ExportOutcomeKind.Accepted, admission.RejectedSpans, admission.Message);
    }

    public void Dispose() => _rates.Dispose();

    private ExportOutcome RefuseForRate(string client, TimeSpan retryAfter)
    {
        string bound = options.MaxClientBytesPerSecond.ToString(CultureInfo.InvariantCulture);
        return Refuse("client_rate", $"The client {client} sends more than {bound} bytes a second (Otlp:MaxClientBytesPerSecond).", retryAfter);
    }

    private void CountRejections(OtlpScan scan)
    {
        if (scan.Malformed is { } malformed)
        {
            IngestMetrics.Count(metrics.RequestsRejected, malformed.IsOverLimit ? "span_count" : "not_otlp");
            return;
        }

        IngestMetrics.Count(metrics.SpansRejected, "invalid_id", scan.Rejected.CountOf(RejectionReason.InvalidId));
        IngestMetrics.Count(metrics.SpansRejected, "attribute_count", scan.Rejected.CountOf(RejectionReason.AttributeCount));
        IngestMetrics.Count(metrics.SpansRejected, "nesting_depth", scan.Rejected.CountOf(RejectionReason.NestingDepth));
        IngestMetrics.Count(metrics.SpansRejected, "value_length", scan.Rejected.CountOf(RejectionReason.ValueLength));
    }

    private ExportOutcome Refuse(string reason, string message, TimeSpan retryAfter)
    {
        IngestMetrics.Count(metrics.RequestsRefused, reason);
        LogRefusal(message);
        return new ExportOutcome(ExportOutcomeKind.Unavailable, Message: message, RetryAfter: retryAfter);
    }

    private static string NameOf(WalRefusal reason) => reason switch
    {
        WalRefusal.Full => "log_full",
        WalRefusal.DiskLow => "disk_low",
        WalRefusal.DiskSlow => "disk_slow",
        WalRefusal.DiskFailed => "disk_failed",
        _ => "stopping",
    };

    /// <summary>When and why a request was refused for want of memory, the last time.</summary>
    private sealed record MemoryRefusal(long At, string Message);

    /// <summary>Says at most once a minute that clients are being refused: they retry, and each retry would say it again.</summary>
    private void LogRefusal(string reason)
    {
        long last = Interlocked.Read(ref _lastRefusalLogged);
        if (Stopwatch.GetElapsedTime(last) < TimeSpan.FromMinutes(1)) return;
        if (Interlocked.CompareExchange(ref _lastRefusalLogged, Stopwatch.GetTimestamp(), last) != last) return;
        log.LogWarning("Exports are refused and clients told to retry: {Reason}", reason);
    }
}
