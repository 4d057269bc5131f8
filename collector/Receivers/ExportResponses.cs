using OpenTelemetry.Proto.Collector.Trace.V1;
using TraceStore.Collector.Pipeline;

namespace TraceStore.Collector.Receivers;

/// <summary>OTLP's words for what was accepted, wholly or in part; they are the same in every protocol.</summary>
internal static class ExportResponses
{
    public static ExportTraceServiceResponse Of(ExportOutcome accepted) => accepted is { RejectedSpans: 0, Message: "" }
        ? new ExportTraceServiceResponse()
        : new ExportTraceServiceResponse
        {
            PartialSuccess = new ExportTracePartialSuccess { RejectedSpans = accepted.RejectedSpans, ErrorMessage = accepted.Message },
        };
}
