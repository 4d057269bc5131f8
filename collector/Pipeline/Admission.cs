using TraceStore.Storage.Otlp;

namespace TraceStore.Collector.Pipeline;

/// <summary>What becomes of a request: all of it, part of it or none of it goes into the log. Pure: a function of the scan.</summary>
/// <param name="Verdict">The outcome.</param>
/// <param name="AcceptedSpans">Spans to be appended.</param>
/// <param name="RejectedSpans">Spans that the client must not send again.</param>
/// <param name="Message">For the client, in words; empty when there is nothing to say.</param>
internal sealed record Admission(AdmissionVerdict Verdict, int AcceptedSpans, int RejectedSpans, string Message)
{
    /// <param name="scan">What the scan found.</param>
    /// <param name="unknownField">A field that the request had in JSON and that isn't known.</param>
    public static Admission Of(OtlpScan scan, string? unknownField = null) => scan switch
    {
        { Malformed: { IsOverLimit: true } over } => new(AdmissionVerdict.Malformed, 0, 0, $"The request is refused: {over}."),
        { Malformed: { } malformed } => new(AdmissionVerdict.Malformed, 0, 0, $"The request is not an ExportTraceServiceRequest: {malformed}."),
        { SpanCount: 0 } => new(AdmissionVerdict.Empty, 0, 0, WhyEmpty(scan, unknownField)),
        { Rejected.Count: 0 } => new(AdmissionVerdict.All, scan.SpanCount, 0, ""),
        _ => new(scan.AcceptedSpans == 0 ? AdmissionVerdict.None : AdmissionVerdict.Part, scan.AcceptedSpans, scan.Rejected.Count, Describe(scan)),
    };

    /// <summary>
    /// A request without spans is a success; but one of which nothing was understood is a mistake, which would go unnoticed.
    /// </summary>
    private static string WhyEmpty(OtlpScan scan, string? unknownField) => (scan.NotUnderstood, unknownField) switch
    {
        (_, { } name) => $"No spans were found in the request: its field '{name}' isn't known. In OTLP's JSON, names are in lowerCamelCase, such as resourceSpans.",
        ({ } instead, _) => $"No spans were found in the request: {instead}. Is it an ExportTraceServiceRequest, and not what is inside one?",
        _ => "",
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
