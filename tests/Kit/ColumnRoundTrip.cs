using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

namespace TraceStore.Tests;

/// <summary>A request decoded into columns and written back from them, each span with a resource and scope of its own.</summary>
public static class ColumnRoundTrip
{
    public static ExportTraceServiceRequest Through(byte[] request)
    {
        DecodedSegment decoded = OtlpDecoder.DecodeAlone(request);
        var resources = Enumerable.Range(0, decoded.Resources.Count).ToDictionary(row => Convert.ToHexString(decoded.Resources.Hash[row]), row => decoded.Resources.Otlp[row].ToArray());
        var scopes = Enumerable.Range(0, decoded.Scopes.Count).ToDictionary(row => Convert.ToHexString(decoded.Scopes.Hash[row]), row => decoded.Scopes.Otlp[row].ToArray());
        var writer = new OtlpSpanWriter();
        var result = new ExportTraceServiceRequest();
        for (int row = 0; row < decoded.Spans.Count; row++)
        {
            ResourceSpans resource = OtlpParsing.ParseResource(resources[Convert.ToHexString(decoded.Spans.ResourceHash(row))]);
            ScopeSpans scope = OtlpParsing.ParseScope(scopes[Convert.ToHexString(decoded.Spans.ScopeHash(row))]);
            scope.Spans.Add(OtlpParsing.ParseSpan(writer.Write(decoded.Spans, row)));
            resource.ScopeSpans.Add(scope);
            result.ResourceSpans.Add(resource);
        }

        return result;
    }
}
