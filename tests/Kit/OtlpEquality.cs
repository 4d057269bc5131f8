using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace TraceStore.Tests;

/// <summary>
/// When two requests carry the same spans. The order of attributes in a list says nothing in OTLP (keys are unique, and of
/// a repeated key the order among its values is kept), nor does which of several equal resources a span lies under.
/// </summary>
public static class OtlpEquality
{
    /// <summary>One line per span: its resource, its scope and itself, in a form that is equal when they are.</summary>
    public static IReadOnlyList<string> Canonical(IEnumerable<ResourceSpans> resources) =>
    [
        .. from resource in resources
           from scope in resource.ScopeSpans
           from span in scope.Spans
           let line = $"{Envelope(resource)} | {Envelope(scope)} | {Canonical(span)}"
           orderby line
           select line,
    ];

    public static IReadOnlyList<string> Canonical(ExportTraceServiceRequest request) => Canonical(request.ResourceSpans);

    public static string Canonical(Span span)
    {
        Span copy = span.Clone();
        KeyValue[] sorted = [.. copy.Attributes.OrderBy(attribute => attribute.Key, StringComparer.Ordinal).ThenBy(OrderAmongMended, StringComparer.Ordinal)]; // stable
        copy.Attributes.Clear();
        copy.Attributes.Add(sorted);
        return Convert.ToHexString(copy.ToByteArray());
    }

    /// <summary>Keys that aren't UTF-8 read alike in the generated classes and are different ones: their order says nothing either.</summary>
    private static string OrderAmongMended(KeyValue attribute) =>
        attribute.Key.Contains('\uFFFD', StringComparison.Ordinal) ? Convert.ToHexString(attribute.ToByteArray()) : "";

    private static string Envelope(ResourceSpans resource)
    {
        ResourceSpans copy = resource.Clone();
        copy.ScopeSpans.Clear();
        return Convert.ToHexString(copy.ToByteArray());
    }

    private static string Envelope(ScopeSpans scope)
    {
        ScopeSpans copy = scope.Clone();
        copy.Spans.Clear();
        return Convert.ToHexString(copy.ToByteArray());
    }
}
