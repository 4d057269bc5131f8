using Google.Protobuf;
using TraceStore.Query.Assembly;
using TraceStore.Query.Encoding.Tempo;
using TraceStore.Query.Execution;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Encoding;

/// <summary>
/// Search results as Tempo's API gives them. Grafana reads them strictly: an unknown field, or a number where a string is
/// due, fails the whole answer; protobuf's JSON mapping of the contract's own messages can't get that wrong.
/// </summary>
public static class TempoSearchEncoder
{
    private const string RootMissing = "<root span not yet received>";
    private const int StatusError = 2;

    /// <summary>tempopb.SearchResponse for the found traces, newest first.</summary>
    public static SearchResponse Response(SearchRows rows, int spansPerSpanset)
    {
        var traces = TraceAssembler.Assemble(rows.Spans, SpanContent.Summary(rows.Spans));
        var response = new SearchResponse
        {
            Metrics = new SearchMetrics
            {
                InspectedTraces = (uint)traces.Count,
                InspectedSpans = (ulong)rows.Spans.Count,
                CompletedJobs = 1,
                TotalJobs = 1,
            },
        };
        response.Traces.Add(rows.Traces.Where(traces.ContainsKey).Select(id => Describe(traces[id], rows, spansPerSpanset)));
        return response;
    }

    /// <summary>The response in JSON.</summary>
    public static string Json(SearchResponse response) => JsonFormatter.Default.Format(response);

    private static TraceSearchMetadata Describe(AssembledTrace trace, SearchRows rows, int spansPerSpanset)
    {
        SpanBatch spans = rows.Spans;
        var metadata = new TraceSearchMetadata
        {
            TraceID = trace.Id.ToString(),
            RootServiceName = trace.Root is { } root ? Text(spans.Service[root.Row]) : RootMissing,
            RootTraceName = trace.Root is { } named ? Text(spans.Name[named.Row]) : "",
            StartTimeUnixNano = trace.StartTimeUnixNano,
            DurationMs = (uint)Math.Min(trace.DurationNanos / 1_000_000, uint.MaxValue),
        };
        List<TraceSpan> matched = [.. trace.Spans.Where(span => rows.IsMatched[span.Row] != 0)];
        var spanSet = new SpanSet { Matched = (uint)matched.Count };
        spanSet.Spans.Add(matched.Take(spansPerSpanset == 0 ? int.MaxValue : spansPerSpanset).Select(span => new Span
        {
            SpanID = span.Id.ToString(),
            Name = Text(spans.Name[span.Row]),
            StartTimeUnixNano = span.StartTimeUnixNano,
            DurationNanos = span.DurationNanos,
        }));
        metadata.SpanSets.Add(spanSet);
        foreach (var service in trace.Spans.GroupBy(span => Text(spans.Service[span.Row])))
        {
            metadata.ServiceStats[service.Key] = new ServiceStats
            {
                SpanCount = (uint)service.Count(),
                ErrorCount = (uint)service.Count(span => spans.StatusCode[span.Row] == StatusError),
            };
        }

        return metadata;
    }

    private static string Text(ReadOnlySpan<byte> utf8) => System.Text.Encoding.UTF8.GetString(utf8);
}
