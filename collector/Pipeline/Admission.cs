using TraceStore.Storage.Otlp;

namespace TraceStore.Collector.Pipeline;

/// <summary>What becomes of a request: all of it, part of it or none of it goes into the log. Pure: a function of the scan.</summary>
/// <param name="Verdict">The outcome.</param>
/// <param name="AcceptedSpans">Spans to be appended.</param>
/// <param name="RejectedSpans">Spans that the client must not send again.</param>
/// <param name="Message">For the client, in words; empty when there is nothing to say.</param>
internal sealed record Admission(AdmissionVerdict Verdict, int AcceptedSpans, int RejectedSpans, string Message)
{
    public static Admission Of(OtlpScan scan) => scan switch
    {
        { Malformed: { IsOverLimit: true } over } => new(AdmissionVerdict.Malformed, 0, 0, $"The request is refused: {over}."),
        { Malformed: { } malformed } => new(AdmissionVerdict.Malformed, 0, 0, $"The request is not an ExportTraceServiceRequest: {malformed}."),
        { SpanCount: 0 } => new(AdmissionVerdict.Empty, 0, 0, ""),
        { Rejected.Count: 0 } => new(AdmissionVerdict.All, scan.SpanCount, 0, ""),
        _ => new(scan.AcceptedSpans == 0 ? AdmissionVerdict.None : AdmissionVerdict.Part, scan.AcceptedSpans, scan.Rejected.Count, Describe(scan)),
    };

    private static string Describe(OtlpScan scan)
    {
        int unnamed = scan.Rejected.Count - scan.Rejected.NamedSpans;
        return $"Rejected {scan.Rejected.Count} of {scan.SpanCount} spans: "
            + string.Join("; ", scan.Rejected.Named)
            + (unnamed > 0 ? $"; and {unnamed} more" : "");
    }
}

internal enum AdmissionVerdict
{
    /// <summary>Every span is appended.</summary>
    All,

    /// <summary>The good spans are appended.</summary>
    Part,

    /// <summary>Every span is bad; nothing is appended.</summary>
    None,

    /// <summary>There are no spans, which is a success (OTLP, "Full Success").</summary>
    Empty,

    /// <summary>It is no OTLP.</summary>
    Malformed,
}
