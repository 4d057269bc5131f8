using Google.Protobuf;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Query.Encoding.Tempo;
using TraceStore.Query.Evaluation;
using TraceStore.Query.TraceQl;
using TraceStore.Tests.Unit.Query;
using static TraceStore.Tests.OtlpSamples;
using Kind = OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace TraceStore.Tests.Integration;

/// <summary>
/// What a search answers is what evaluating the query on every trace gives, whatever of it ClickHouse is asked. Arbitrary traces, arbitrary queries;
/// TRACEQL_QUERIES for more, TRACEQL_SEED for the same again.
/// </summary>
public class TraceQlSearchTests(ServerFixture fixture, ITestOutputHelper output)
{
    private const ulong Start = 1_650_000_000;
    private const int Traces = 60, FirstTrace = 7_000_000;

    private static readonly int s_queries = int.TryParse(Environment.GetEnvironmentVariable("TRACEQL_QUERIES"), out int queries) ? queries : 150;
    private static readonly int s_seed = int.TryParse(Environment.GetEnvironmentVariable("TRACEQL_SEED"), out int seed) ? seed : Environment.TickCount;

    private static readonly string[] s_names = ["a", "b", "region", "service.name"], s_texts = ["", "x", "y", "x|y", ".*", "shop", "root"];

    [Fact]
    public async Task A_search_finds_what_evaluating_every_trace_does()
    {
        output.WriteLine($"TRACEQL_SEED={s_seed}");
        var random = new Random(s_seed);
        (ResourceSpans Resource, Span Span)[] spans = [.. Enumerable.Range(FirstTrace, Traces).SelectMany(trace => TraceOf(random, trace))];
        await fixture.Server.Otlp.ExportAsync(EvaluatedTraces.Request(spans));
        foreach (var trace in spans.GroupBy(sent => sent.Span.TraceId)) await fixture.Server.Tempo.WaitForTraceAsync(Hex(trace.Key), trace.Count());
        IReadOnlyList<EvaluatedTrace> traces = EvaluatedTraces.Of(spans);

        var samples = new TraceQlSamples(random, s_names, s_texts);
        int withSpans = 0;
        for (int number = 0; number < s_queries; number++)
        {
            SpansetExpression query = samples.Spans(depth: 3);
            string text = TraceQlPrinter.Print(query);
            string[] expected = [.. Found(traces, query).Order(StringComparer.Ordinal)];
            Assert.Equal(expected, (await SearchAsync(text)).Order(StringComparer.Ordinal));
            if (expected.Length > 0) withSpans++;
        }

        Assert.InRange(withSpans, s_queries / 5, s_queries);
    }

    /// <summary>What ClickHouse can say nothing of has to be tried on trace after trace.</summary>
    [Fact]
    public async Task A_search_that_reads_too_much_stops_and_says_so()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Query:MaxAnswerBytes", "1MiB"));
        string text = new('x', 30_000);
        for (int trace = 1; trace <= 100; trace++)
        {
            Span span = Span(trace, start: (Start + (ulong)trace) * 1_000_000_000);
            span.Attributes.Add(Attribute("text", $"{trace}{text}"));
            await server.Otlp.ExportAsync(Request(Resource("wide", span)));
        }

        await server.Tempo.WaitForTraceAsync(Hex(TraceId(100)), 1);
        using HttpResponseMessage nothing = await server.Tempo.GetAsync("/api/search?q={.text%3D.other}", TestContext.Current.CancellationToken);
        SearchResponse some = JsonParser.Default.Parse<SearchResponse>(await server.Tempo.GetStringAsync("/api/search?limit=1000&q={.text%3D.text}", TestContext.Current.CancellationToken));

        Assert.Equal(System.Net.HttpStatusCode.UnprocessableEntity, nothing.StatusCode);
        Assert.Matches("^Nothing was found in the newest [0-9]+ traces that it could be, and a search reads no more", await nothing.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.InRange(some.Traces.Count, 20, 99);
        Assert.Equal((1u, 2u), (some.Metrics.CompletedJobs, some.Metrics.TotalJobs)); // there was more to do
        Assert.Equal(Hex(TraceId(100)), some.Traces[0].TraceID);
    }

    private static IEnumerable<string> Found(IReadOnlyList<EvaluatedTrace> traces, SpansetExpression query) =>
        from trace in traces
        from spanset in new SpansetEvaluator(trace).Evaluate(query)
        select $"{trace.Trace.Id}: {string.Join(' ', spanset.Spans.Select(span => span.Place.Id.ToString()).Order(StringComparer.Ordinal))}";

    private async Task<IEnumerable<string>> SearchAsync(string query)
    {
        string url = $"/api/search?q={Uri.EscapeDataString(query)}&limit=1000&spss=100&start={Start}&end={Start + 1_000}";
        using HttpResponseMessage answer = await fixture.Server.Tempo.GetAsync(url, TestContext.Current.CancellationToken);
        string json = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, $"{query}: {json}");
        return
            from trace in JsonParser.Default.Parse<SearchResponse>(json).Traces
            from spanset in trace.SpanSets
            select $"{trace.TraceID}: {string.Join(' ', spanset.Spans.Select(span => span.SpanID).Order(StringComparer.Ordinal))}";
    }

    private static IEnumerable<(ResourceSpans, Span)> TraceOf(Random random, int trace)
    {
        int count = 1 + random.Next(9);
        for (int number = 1; number <= count; number++)
        {
            // Some name a parent that never comes, some form a circle
            int parent = number == 1 ? random.Next(6) == 0 ? 99 : 0 : random.Next(8) == 0 ? 99 : 1 + random.Next(number);
            ulong start = ((Start + (ulong)(trace - FirstTrace)) * 1_000_000_000) + (ulong)random.Next(1_000_000);
            Span span = Span(trace, number, parent, OneOf("root", "x", "y"), start, (ulong)random.Next(40) * 1_000_000);
            span.Kind = OneOf(Kind.Server, Kind.Client, Kind.Unspecified);
            span.Status = OneOf(null, new Status { Code = Status.Types.StatusCode.Error, Message = "x" }, new Status { Code = Status.Types.StatusCode.Ok });
            span.Attributes.Add(Attributes());
            if (random.Next(3) == 0) span.Events.Add(new Span.Types.Event { Name = OneOf("x", "y", ""), TimeUnixNano = start + (ulong)random.Next(5_000_000), Attributes = { Attributes() } });
            if (random.Next(4) == 0) span.Links.Add(new Span.Types.Link { TraceId = TraceId(1), SpanId = SpanId(1), Attributes = { Attributes() } });
            ResourceSpans resource = Resource(OneOf("shop", "x"));
            resource.Resource.Attributes.Add(Attributes());
            if (random.Next(3) == 0) resource.ScopeSpans[0].Scope = OneOf(null, new InstrumentationScope { Name = "x", Version = "y", Attributes = { Attributes() } });
            yield return (resource, span);
        }

        IEnumerable<KeyValue> Attributes() => from name in s_names.Take(3) where random.Next(2) == 0 select Attribute(name, Value());

        object Value() => OneOf<object>("x", "y", "", true, false, 1, -2, 2.5, 0L, new object[] { "x", 1 }, new object[] { "y" });

        T OneOf<T>(params T[] values) => values[random.Next(values.Length)];
    }
}
