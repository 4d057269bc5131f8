using System.Diagnostics;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>
/// Ingest, first half: from a request's bytes to the answer.
/// <list type="number">
/// <item>Scan the bytes (<see cref="OtlpScanner"/>).</item>
/// <item>Admit (<see cref="Admission"/>): all, part or none of the spans.</item>
/// <item>Take rejected spans out (<see cref="OtlpSpanFilter"/>).</item>
/// <item>Append to the log and wait until it is durable (<see cref="WriteAheadLog"/>).</item>
/// <item>Answer.</item>
/// </list>
/// The second half, <see cref="SegmentFollower"/>, starts where the log seals a segment.
/// </summary>
public sealed class IngestPipeline(WriteAheadLog wal, IngestMetrics metrics, ILogger<IngestPipeline> log)
{
    private long _lastRefusalLogged = Stopwatch.GetTimestamp() - (60 * Stopwatch.Frequency);

    /// <summary>Takes an ExportTraceServiceRequest in protobuf encoding. It doesn't throw for what a client can do.</summary>
    public async Task<ExportOutcome> ExportAsync(ReadOnlyMemory<byte> request)
    {
        OtlpScan scan = OtlpScanner.Scan(request.Span); // 1
        Admission admission = Admission.Of(scan); // 2
        metrics.SpansRejected.Add(admission.RejectedSpans);
        switch (admission.Verdict)
        {
            case AdmissionVerdict.Malformed:
                metrics.RequestsMalformed.Add(1);
                return new ExportOutcome(ExportOutcomeKind.Malformed, Message: admission.Message);
            case AdmissionVerdict.Empty:
                return ExportOutcome.Success;
            case AdmissionVerdict.None:
                return new ExportOutcome(ExportOutcomeKind.Accepted, admission.RejectedSpans, admission.Message);
            case AdmissionVerdict.Part:
                request = OtlpSpanFilter.Without(request.Span, scan.Rejected); // 3
                break;
        }

        try
        {
            await wal.AppendAsync(request.Span, admission.AcceptedSpans, tenant: []).ConfigureAwait(false); // 4
        }
        catch (WalRefusedException refused)
        {
            metrics.RequestsRefused.Add(1);
            LogRefusal(refused);
            return new ExportOutcome(ExportOutcomeKind.Unavailable, Message: refused.Message, RetryAfter: refused.RetryAfter);
        }

        metrics.SpansAccepted.Add(admission.AcceptedSpans); // 5
        metrics.BytesAccepted.Add(request.Length);
        return new ExportOutcome(ExportOutcomeKind.Accepted, admission.RejectedSpans, admission.Message);
    }

    /// <summary>Says at most once a minute that clients are being refused: they retry, and each retry would say it again.</summary>
    private void LogRefusal(WalRefusedException refused)
    {
        long last = Interlocked.Read(ref _lastRefusalLogged);
        if (Stopwatch.GetElapsedTime(last) < TimeSpan.FromMinutes(1)) return;
        if (Interlocked.CompareExchange(ref _lastRefusalLogged, Stopwatch.GetTimestamp(), last) != last) return;
        log.LogWarning("Exports are refused and clients told to retry: {Reason}", refused.Message);
    }
}
