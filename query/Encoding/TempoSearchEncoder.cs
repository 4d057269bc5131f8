using Google.Protobuf;
using OpenTelemetry.Proto.Common.V1;
using TraceStore.Query.Assembly;
using TraceStore.Query.Encoding.Tempo;
using TraceStore.Query.Execution;
using TraceStore.Query.Planning;
using TraceStore.Query.Sql;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Encoding;

/// <summary>
/// Search results as Tempo's API gives them. Grafana reads them strictly: an unknown field, or a number where a string is
/// due, fails the whole answer; protobuf's JSON mapping of the contract's own messages can't get that wrong.
/// </summary>
public sealed class TempoSearchEncoder(SearchRows rows, SearchPlan plan)
{
    internal const string RootMissing = "<root span not yet received>";
    private const int StatusError = 2;

    private readonly Dictionary<UInt128, ILookup<string, AnyValue>> _resources = [];

    /// <summary>tempopb.SearchResponse for the found traces, newest first.</summary>
    public SearchResponse Response()
    {
        var traces = TraceAssembler.Assemble(rows.Spans, row => rows.Content![row]);
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
        response.Traces.Add(rows.Traces.Where(traces.ContainsKey).Select(id => Describe(traces[id])));
        return response;
    }

    /// <summary>The response in JSON; its list of traces is there also when it is empty.</summary>
    public static string Json(SearchResponse response)
    {
        string json = JsonFormatter.Default.Format(response);
        return response.Traces.Count > 0 ? json : $"{{ \"traces\": [ ],{json[1..]}";
    }

    private TraceSearchMetadata Describe(AssembledTrace trace)
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
        spanSet.Spans.Add(matched.Take(plan.SpansPerSpanset == 0 ? int.MaxValue : plan.SpansPerSpanset).Select(Describe));
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

    private Tempo.Span Describe(TraceSpan span)
    {
        var shown = new Tempo.Span
        {
            SpanID = span.Id.ToString(),
            Name = Text(rows.Spans.Name[span.Row]),
            StartTimeUnixNano = span.StartTimeUnixNano,
            DurationNanos = span.DurationNanos,
        };
        for (int number = 0; number < plan.Asked.Attributes.Count; number++)
        {
            AttributeField field = plan.Asked.Attributes[number];
            AnyValue? value = field.Scope == AttributeScope.Resource ? null : AskedAttributeSql.Read(rows.Asked[number][span.Row]);
            if (field.Scope != AttributeScope.Span) value ??= OfResource(span, field.Name);
            if (value is not null) shown.Attributes.Add(new KeyValue { Key = field.Name, Value = value });
        }

        if (plan.Asked.Status) shown.Attributes.Add(Word("status", ((StatusValue)rows.Spans.StatusCode[span.Row]).ToString()));
        if (plan.Asked.Kind) shown.Attributes.Add(Word("kind", ((KindValue)span.Kind).ToString()));
        return shown;
    }

    private AnyValue? OfResource(TraceSpan span, string name)
    {
        ReadOnlySpan<byte> hash = rows.Spans.ResourceHash(span.Row);
        UInt128 key = Envelopes.KeyOf(hash);
        if (!_resources.TryGetValue(key, out var attributes))
        {
            attributes = (OtlpParsing.ParseResource(rows.Envelopes.Resource(hash)).Resource?.Attributes ?? []).ToLookup(attribute => attribute.Key, attribute => attribute.Value);
            _resources.Add(key, attributes);
        }

        return attributes[name].FirstOrDefault();
    }

    private static KeyValue Word(string key, string value) => new() { Key = key, Value = new AnyValue { StringValue = value.ToLowerInvariant() } };

    private static string Text(ReadOnlySpan<byte> utf8) => System.Text.Encoding.UTF8.GetString(utf8);
}
