using Google.Protobuf;
using TraceStore.Query.Assembly;
using TraceStore.Query.Encoding.Tempo;
using TraceStore.Query.Execution;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Encoding;

/// <summary>
/// Traces as Tempo's API gives them. The protobuf is put together from stored bytes, never through objects: each resource
/// once, in it each scope once, in it the spans in the trace's order. JSON is protobuf's own mapping of the same messages:
/// IDs in base64, enums by name, 64-bit integers as strings.
/// </summary>
public static class TempoTraceEncoder
{
    private const int Trace_ResourceSpans = 1;
    private const int ResourceSpans_ScopeSpans = 2;
    private const int ScopeSpans_Spans = 2;

    private const int Response_Trace = 1;
    private const int Response_Metrics = 2;
    private const int Response_Status = 3;
    private const int Response_Message = 4;

    /// <summary>tempopb.Trace: the answer of the API's first version.</summary>
    public static ReadOnlyMemory<byte> Trace(AssembledTrace trace, SpanRows rows)
    {
        var writer = new OtlpSpanWriter();
        var output = new WireWriter();
        SpanBatch spans = rows.Spans;
        foreach (var resource in trace.Spans.GroupBy(span => Envelopes.KeyOf(spans.ResourceHash(span.Row))))
        {
            var resourceSpans = new WireWriter();
            resourceSpans.Raw(rows.Envelopes.Resource(spans.ResourceHash(resource.First().Row)));
            foreach (var scope in resource.GroupBy(span => Envelopes.KeyOf(spans.ScopeHash(span.Row))))
            {
                var scopeSpans = new WireWriter();
                scopeSpans.Raw(rows.Envelopes.Scope(spans.ScopeHash(scope.First().Row)));
                foreach (TraceSpan span in scope) scopeSpans.Bytes(ScopeSpans_Spans, writer.Write(spans, span.Row));
                resourceSpans.Bytes(ResourceSpans_ScopeSpans, scopeSpans.Written);
            }

            output.Bytes(Trace_ResourceSpans, resourceSpans.Written);
        }

        return output.WrittenMemory;
    }

    /// <summary>
    /// tempopb.TraceByIDResponse: the answer of the API's second version. Its trace is always there, because Grafana reads
    /// it without looking; for an unknown ID (null) it is empty.
    /// </summary>
    public static ReadOnlyMemory<byte> Response(AssembledTrace? trace, SpanRows rows)
    {
        var output = new WireWriter();
        output.Bytes(Response_Trace, trace is null ? [] : Trace(trace, rows).Span);
        output.Bytes(Response_Metrics, []);
        if (rows.Warning is { } warning)
        {
            output.Varint(Response_Status, (ulong)PartialStatus.Partial);
            output.Bytes(Response_Message, System.Text.Encoding.UTF8.GetBytes(warning));
        }

        return output.WrittenMemory;
    }

    /// <summary><see cref="Trace"/> in JSON, with <c>batches</c> for <c>resourceSpans</c> as the first version has it.</summary>
    public static string TraceJson(AssembledTrace trace, SpanRows rows) =>
        JsonFormatter.Default.Format(OtlpParsing.ParseTraces(TraceV1.Parser, Trace(trace, rows).Span));

    /// <summary><see cref="Response"/> in JSON.</summary>
    public static string ResponseJson(AssembledTrace? trace, SpanRows rows)
    {
        var response = new TraceByIDResponse
        {
            Trace = trace is null ? new Tempo.Trace() : OtlpParsing.ParseTraces(Tempo.Trace.Parser, Trace(trace, rows).Span),
            Metrics = new TraceByIDMetrics(),
        };
        if (rows.Warning is { } warning) (response.Status, response.Message) = (PartialStatus.Partial, warning);
        return JsonFormatter.Default.Format(response);
    }
}
