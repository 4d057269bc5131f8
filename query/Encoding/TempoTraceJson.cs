using System.IO.Pipelines;
using Google.Protobuf;
using TraceStore.Query.Assembly;
using TraceStore.Query.Execution;
using TraceStore.Storage.Otlp;

namespace TraceStore.Query.Encoding;

/// <summary>
/// Traces in JSON as Tempo's API gives them: protobuf's own mapping of the same messages (IDs in base64, enums by name, 64-bit
/// integers as strings), written span by span.
/// </summary>
internal static class TempoTraceJson
{
    /// <summary>tempopb.Trace, with <c>batches</c> for <c>resourceSpans</c> as the first version has it.</summary>
    public static async Task WriteTraceAsync(AssembledTrace trace, SpanRows rows, PipeWriter output, CancellationToken cancellation)
    {
        output.Write("{ \"batches\": ");
        await WriteResourcesAsync(trace, rows, output, cancellation).ConfigureAwait(false);
        output.Write(" }");
    }

    /// <summary>tempopb.TraceByIDResponse; for an unknown ID (null) the trace is empty.</summary>
    public static async Task WriteResponseAsync(AssembledTrace? trace, SpanRows rows, PipeWriter output, CancellationToken cancellation)
    {
        output.Write("{ \"trace\": { ");
        if (trace is not null)
        {
            output.Write("\"resourceSpans\": ");
            await WriteResourcesAsync(trace, rows, output, cancellation).ConfigureAwait(false);
        }

        output.Write(" }, \"metrics\": { }");
        if (rows.Warning is { } warning) output.Write($", \"status\": \"PARTIAL\", \"message\": {System.Text.Json.JsonSerializer.Serialize(warning)}");
        output.Write(" }");
    }

    private static async Task WriteResourcesAsync(AssembledTrace trace, SpanRows rows, PipeWriter output, CancellationToken cancellation)
    {
        var spans = new OtlpSpanWriter();
        string betweenResources = "[ ";
        foreach (ResourceGroup resource in ResourceGroup.Of(trace, rows))
        {
            output.Write(betweenResources);
            output.Write(Opened(OtlpParsing.ParseResource(resource.Envelope), "scopeSpans"));
            string betweenScopes = "[ ";
            foreach (ScopeGroup scope in resource.Scopes)
            {
                output.Write(betweenScopes);
                output.Write(Opened(OtlpParsing.ParseScope(scope.Envelope), "spans"));
                string betweenSpans = "[ ";
                foreach (TraceSpan span in scope.Spans)
                {
                    output.Write(betweenSpans);
                    output.Write(JsonFormatter.Default.Format(OtlpParsing.ParseSpan(spans.Write(rows.Spans, span.Row))));
                    betweenSpans = ", ";
                    await output.FlushWhenMuchAsync(cancellation).ConfigureAwait(false);
                }

                output.Write(" ] }");
                betweenScopes = ", ";
            }

            output.Write(" ] }");
            betweenResources = ", ";
        }

        output.Write(" ]");
    }

    /// <summary>A message's JSON up to where a further field's value is to stand.</summary>
    private static string Opened(IMessage message, string field)
    {
        string json = JsonFormatter.Default.Format(message).TrimEnd();
        string open = json[..^1].TrimEnd();
        return $"{open}{(open.EndsWith('{') ? "" : ",")} \"{field}\": ";
    }
}
