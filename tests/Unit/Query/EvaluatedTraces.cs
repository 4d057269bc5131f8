using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Query.Assembly;
using TraceStore.Query.Evaluation;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace TraceStore.Tests.Unit.Query;

/// <summary>Traces as queries see them, from what was sent: by way of the columns, as they are read.</summary>
internal static class EvaluatedTraces
{
    /// <param name="spans">Spans, each with the resource and the scope that it is of.</param>
    public static IReadOnlyList<EvaluatedTrace> Of(params IReadOnlyList<(ResourceSpans Resource, Span Span)> spans)
    {
        DecodedSegment decoded = OtlpDecoder.DecodeAlone(Request(spans).ToByteArray());
        var envelopes = new Envelopes();
        for (int row = 0; row < decoded.Resources.Count; row++) envelopes.AddResource(Envelopes.KeyOf(decoded.Resources.Hash[row]), decoded.Resources.Otlp[row].ToArray());
        for (int row = 0; row < decoded.Scopes.Hash.Count; row++) envelopes.AddScope(Envelopes.KeyOf(decoded.Scopes.Hash[row]), decoded.Scopes.Otlp[row].ToArray());
        var origins = new OriginCache();
        return [.. TraceAssembler.Assemble(decoded.Spans, SpanContent.Whole(decoded.Spans)).Values.Select(trace => EvaluatedTrace.Of(trace, decoded.Spans, envelopes, origins))];
    }

    /// <summary>The same as a request.</summary>
    public static ExportTraceServiceRequest Request(IEnumerable<(ResourceSpans Resource, Span Span)> spans)
    {
        var request = new ExportTraceServiceRequest();
        foreach ((ResourceSpans resource, Span span) in spans)
        {
            ResourceSpans alone = resource.Clone();
            alone.ScopeSpans[0].Spans.Clear();
            alone.ScopeSpans[0].Spans.Add(span);
            request.ResourceSpans.Add(alone);
        }

        return request;
    }
}
