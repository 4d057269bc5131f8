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

    [Fact]
    public async Task Series_are_what_evaluating_every_trace_gives()
    {
        output.WriteLine($"TRACEQL_SEED={s_seed}");
        var random = new Random(s_seed);
        (ResourceSpans Resource, Span Span)[] spans = [.. Enumerable.Range(FirstTrace + Traces, Traces).SelectMany(trace => TraceOf(random, trace))];
        await fixture.Server.Otlp.ExportAsync(EvaluatedTraces.Request(spans));
        foreach (var trace in spans.GroupBy(sent => sent.Span.TraceId)) await fixture.Server.Tempo.WaitForTraceAsync(Hex(trace.Key), trace.Count());
        IReadOnlyList<EvaluatedTrace> traces = EvaluatedTraces.Of(spans);

        var samples = new TraceQlSamples(random, s_names, s_texts);
        for (int number = 0; number < s_queries / 3; number++)
        {
            MetricsExpression query = samples.Metrics(depth: 2);
            string text = TraceQlPrinter.Print(query);
            ulong start = Start + Traces, end = start + Traces;
            var evaluator = new MetricsEvaluator(query, MetricsRange.Of(start * 1_000_000_000, end * 1_000_000_000, 10_000_000_000), maxExemplars: 0);
            foreach (EvaluatedTrace trace in traces) evaluator.Observe(trace);
            using HttpResponseMessage answer = await fixture.Server.Tempo.GetAsync($"/api/metrics/query_range?q={Uri.EscapeDataString(text)}&start={start}&end={end}&step=10s", TestContext.Current.CancellationToken);
            string json = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode, $"{text}: {json}");
            Assert.Equal(
                evaluator.Evaluate().Select(series => $"{string.Join(' ', series.Labels.Select(label => label.Name))}: {Show(series.Values.Where(value => !double.IsNaN(value)))}").Order(StringComparer.Ordinal),
                JsonParser.Default.Parse<QueryRangeResponse>(json).Series.Select(series => $"{string.Join(' ', series.Labels.Select(label => label.Key))}: {Show(series.Samples.Select(sample => sample.Value))}").Order(StringComparer.Ordinal));
        }

        static string Show(IEnumerable<double> values) => string.Join(' ', values.Select(value => value.ToString("G9", System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("/api/metrics/query_range", "q: a metrics query in TraceQL was expected, such as {} | rate().")]
    [InlineData("/api/metrics/query_range?q={}", "Invalid TraceQL query, line 1, column 1: this query finds traces; for series a function such as rate() was expected: {} | rate().\n{}\n^")]
    [InlineData("/api/metrics/query?q={}|rate()&start=20&end=10", "The range ends (10) before it starts (20).")]
    [InlineData("/api/metrics/query?q={}|rate()&start=yesterday", "start=yesterday: a time was expected, in seconds or nanoseconds since 1970 or as in 2026-11-26T10:15:00Z.")]
    [InlineData("/api/metrics/query_range?q={}|rate()&end=18446744073709551615", "end=18446744073709551615: a time was expected, in seconds or nanoseconds since 1970 or as in 2026-11-26T10:15:00Z.")]
    [InlineData("/api/metrics/query_range?q={}|rate()&step=0", "step=0: a duration of a millisecond or more was expected, such as 30s or 1.5.")]
    [InlineData("/api/metrics/query_range?q={}|rate()&start=0&end=86400&step=1s", "step=1s: the range exceeds 11000 steps. Ask for less time, or for larger steps.")]
    [InlineData("/api/metrics/query_range?q={}|rate()&since=x", "since=x: a duration such as 100ms, 1.5s or 1h30m was expected.")]
    [InlineData("/api/metrics/query_range?q={}|rate()&exemplars=-1", "exemplars=-1: a whole number from 0 to 2147483647 was expected.")]
    public async Task What_series_cannot_be_made_of_is_said(string path, string message)
    {
        using HttpResponseMessage answer = await fixture.Server.Tempo.GetAsync(path, TestContext.Current.CancellationToken);

        Assert.Equal((System.Net.HttpStatusCode.BadRequest, message), (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)));
    }

    [Fact]
    public async Task An_instant_is_one_number_and_times_may_be_written_in_each_way()
    {
        Span span = Span(7_900_000, start: 1_640_000_000_000_000_000);
        await fixture.Server.Otlp.ExportAsync(Request(Resource("instant", span, Span(7_900_000, 2, 1, start: 1_640_000_009_000_000_000))));
        await fixture.Server.Tempo.WaitForTraceAsync(Hex(TraceId(7_900_000)), 2);
        string[] ranges = ["start=1640000000&end=1640000010", "start=1640000000000000000&end=1640000010000000000", "start=2021-12-20T11:33:20Z&end=2021-12-20T11:33:30Z", "start=1640000000.0&end=1640000010.0", "end=1640000010&since=10s"];
        foreach (string range in ranges)
        {
            string json = await fixture.Server.Tempo.GetStringAsync($"/api/metrics/query?q={{resource.service.name%3D%22instant%22}}|rate()&{range}", TestContext.Current.CancellationToken);
            InstantSeries series = Assert.Single(JsonParser.Default.Parse<QueryInstantResponse>(json).Series);
            Assert.Equal((0.2, "__name__", "rate"), (series.Value, series.Labels[0].Key, series.Labels[0].Value.StringValue));
        }

        string inSteps = await fixture.Server.Tempo.GetStringAsync($"/api/metrics/query_range?q={{resource.service.name%3D%22instant%22}}|count_over_time()&{ranges[0]}&step=5&exemplars=1", TestContext.Current.CancellationToken);
        TimeSeries steps = Assert.Single(JsonParser.Default.Parse<QueryRangeResponse>(inSteps).Series);
        Assert.Equal([(1_640_000_005_000, 1), (1_640_000_010_000, 1)], steps.Samples.Select(sample => (sample.TimestampMs, sample.Value)));
        Assert.Equal(Hex(TraceId(7_900_000)), Assert.Single(steps.Exemplars).Labels[0].Value.StringValue);
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
        string url = $"/api/search?q={Uri.EscapeDataString(query)}&limit=1000&spss=100&start={Start}&end={Start + Traces}";
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
