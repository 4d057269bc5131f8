using System.IO.Pipelines;
using System.Text.Json;
using TraceStore.Query.Assembly;
using TraceStore.Query.Execution;
using TraceStore.Storage.Otlp;

namespace TraceStore.Query.Encoding;

/// <summary>Traces in JSON as Tempo's API gives them: protobuf's own mapping of the same messages (<see cref="ProtoJson"/>), written span by span.</summary>
internal static class TempoTraceJson
{
    /// <summary>tempopb.Trace, with <c>batches</c> for <c>resourceSpans</c> as the first version has it.</summary>
    public static async Task WriteTraceAsync(AssembledTrace trace, SpanRows rows, PipeWriter output, CancellationToken cancellation)
    {
        await using var json = new Utf8JsonWriter(output, ProtoJson.Options);
        json.WriteStartObject();
        json.WriteStartArray("batches");
        await WriteResourcesAsync(json, trace, rows, output, cancellation).ConfigureAwait(false);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>tempopb.TraceByIDResponse; for an unknown ID (null) the trace is empty.</summary>
    public static async Task WriteResponseAsync(AssembledTrace? trace, SpanRows rows, PipeWriter output, CancellationToken cancellation)
    {
        await using var json = new Utf8JsonWriter(output, ProtoJson.Options);
        json.WriteStartObject();
        json.WriteStartObject("trace");
        if (trace is not null)
        {
            json.WriteStartArray("resourceSpans");
            await WriteResourcesAsync(json, trace, rows, output, cancellation).ConfigureAwait(false);
            json.WriteEndArray();
        }

        json.WriteEndObject();
        json.WriteStartObject("metrics");
        json.WriteEndObject();
        if (rows.Warning is { } warning)
        {
            json.WriteString("status", "PARTIAL");
            json.WriteString("message", warning);
        }

        json.WriteEndObject();
    }

    private static async Task WriteResourcesAsync(Utf8JsonWriter json, AssembledTrace trace, SpanRows rows, PipeWriter output, CancellationToken cancellation)
    {
        var spans = new OtlpSpanWriter();
        foreach (ResourceGroup resource in ResourceGroup.Of(trace, rows))
        {
            json.WriteStartObject();
            ProtoJson.WriteResourceFields(json, OtlpParsing.ParseResource(resource.Envelope));
            json.WriteStartArray("scopeSpans");
            foreach (ScopeGroup scope in resource.Scopes)
            {
                json.WriteStartObject();
                ProtoJson.WriteScopeFields(json, OtlpParsing.ParseScope(scope.Envelope));
                json.WriteStartArray("spans");
                foreach (TraceSpan span in scope.Spans)
                {
                    ProtoJson.WriteSpan(json, OtlpParsing.ParseSpan(spans.Write(rows.Spans, span.Row)));
                    json.Flush();
                    await output.FlushWhenMuchAsync(cancellation).ConfigureAwait(false);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }
    }
}
