using TraceStore.Query.Evaluation;
using TraceStore.Query.TraceQl;
using static TraceStore.Tests.OtlpSamples;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace TraceStore.Tests.Unit.Query;

/// <summary>What metrics queries mean.</summary>
public class MetricsEvaluatorTests
{
    private const ulong Second = 1_000_000_000, Start = 1_700_000_000 * Second;

    /// <summary>A minute in steps of ten seconds: four spans in the first, none in the second, two in the third.</summary>
    private static readonly IReadOnlyList<EvaluatedTrace> s_traces = EvaluatedTraces.Of(
        (Resource("shop"), At(1, 0, "GET /", 100, ("size", 10), ("region", "eu"))),
        (Resource("shop"), At(1, 1, "query", 40, ("size", 20))),
        (Resource("shop"), At(2, 9, "GET /", 200, ("size", 30), ("region", "us"))),
        (Resource("db"), At(2, 9, "query", 50, ("size", "large"))),
        (Resource("db"), At(3, 20, "query", 400, ("size", 40.5), ("region", "eu"))),
        (Resource("db"), At(3, 29, "query", 10)),
        (Resource("db"), At(4, 60, "query", 10)));

    [Theory]
    [InlineData("{ } | rate()", "__name__=rate: 0.4 0 0.2 0 0 0")]
    [InlineData("{ } | count_over_time()", "__name__=count_over_time: 4 0 2 0 0 0")]
    [InlineData("{ name = \"query\" } | count_over_time()", "__name__=count_over_time: 2 0 2 0 0 0")]
    [InlineData("{ } | count_over_time() by (resource.service.name)", "resource.service.name=shop: 3 0 0 0 0 0|resource.service.name=db: 1 0 2 0 0 0")]
    [InlineData("{ } | count_over_time() by (name, span.region)", "name=GET / span.region=eu: 1 0 0 0 0 0|name=query span.region=: 2 0 1 0 0 0|name=GET / span.region=us: 1 0 0 0 0 0|name=query span.region=eu: 0 0 1 0 0 0")]
    [InlineData("{ } | min_over_time(duration)", "__name__=min_over_time: 0.04 - 0.01 - - -")]
    [InlineData("{ } | max_over_time(span.size)", "__name__=max_over_time: 30 - 40.5 - - -")]
    [InlineData("{ } | avg_over_time(span.size)", "__name__=avg_over_time: 20 - 40.5 - - -")]
    [InlineData("{ } | sum_over_time(span.size * 2)", "__name__=sum_over_time: 120 - 81 - - -")]
    [InlineData("{ } | quantile_over_time(span.size, 0, 0.5, 1)", "p=0: 10 - 40.5 - - -|p=0.5: 20 - 40.5 - - -|p=1: 30 - 40.5 - - -")]
    [InlineData("{ } | quantile_over_time(duration, 0.75) by (name)", "name=GET / p=0.75: 0.175 - - - - -|name=query p=0.75: 0.0475 - 0.3025 - - -")]
    [InlineData("{ name = \"GET /\" } | histogram_over_time(duration)", "__bucket=0.134217728: 1 0 0 0 0 0|__bucket=0.268435456: 1 0 0 0 0 0")]
    [InlineData("{ name = \"GET /\" } >> { } | count_over_time()", "__name__=count_over_time: 2 0 0 0 0 0")]
    [InlineData("{ } | count() > 1 | count_over_time() by (name)", "name=GET /: 2 0 0 0 0 0|name=query: 2 0 2 0 0 0")]
    [InlineData("{ } | count_over_time() > 2", "__name__=count_over_time: 4 - - - - -")]
    [InlineData("{ } | count_over_time() > 9", "")]
    [InlineData("{ } | count_over_time() by (name, span.region) | topk(1)", "name=GET / span.region=eu: - 0 - 0 0 0|name=query span.region=: 2 - 1 - - -")]
    [InlineData("({ name = \"query\" } | count_over_time()) / ({ } | count_over_time())", "__name__=count_over_time: 0.5 - 1 - - -")]
    [InlineData("({ } | count_over_time() by (name)) / ({ } | count_over_time())", "name=GET /: 0.5 - 0 - - -|name=query: 0.5 - 1 - - -")]
    [InlineData("({ } | count_over_time()) * 100 - 1", "__name__=count_over_time: 399 -1 199 -1 -1 -1")]
    [InlineData("{ name = \"none\" } | rate()", "")]
    public void A_query_gives_series(string query, string expected) => Assert.Equal(expected, string.Join('|', Evaluate(query).Select(Show)));

    [Fact]
    public void A_comparison_tells_of_each_attribute_how_often_its_values_are_there()
    {
        string[] all = [.. Evaluate("{ } | compare({ name = \"GET /\" }, 1)").Select(series => Show(series with { Values = [series.Values.Sum()] }))];

        Assert.Contains("__meta_type=selection span.region=eu: 1", all);
        Assert.Contains("__meta_error=__too_many_values__ span.region=: 0", all);
        Assert.Contains("__meta_type=selection_total span.region=: 2", all);
        Assert.Contains("__meta_type=baseline span.region=eu: 1", all);
        Assert.Contains("__meta_type=baseline resource.service.name=db: 3", all);
        Assert.Contains("__meta_type=baseline name=query: 4", all);
        Assert.Contains("__meta_type=baseline_total resource.service.name=: 4", all);
        Assert.DoesNotContain(all, series => series.StartsWith("__meta_type=selection resource.service.name=db", StringComparison.Ordinal));
    }

    [Fact]
    public void Spans_stand_for_the_numbers_they_were_made_of()
    {
        var evaluator = new MetricsEvaluator(Metrics("{ } | max_over_time(span.size)"), MetricsRange.Of(Start, Start + (60 * Second), 10 * Second), maxExemplars: 2);
        foreach (EvaluatedTrace trace in s_traces) evaluator.Observe(trace);

        Assert.Equal([(Hex(TraceId(1)), 10.0), (Hex(TraceId(1)), 20.0)], Assert.Single(evaluator.Evaluate()).Exemplars.Select(exemplar => (exemplar.TraceId, exemplar.Value)));
    }

    [Fact]
    public void Steps_end_at_multiples_and_an_instant_is_one()
    {
        var range = MetricsRange.Of((100 * Second) + 1, 131 * Second, 10 * Second);
        var whole = MetricsRange.Whole(100 * Second, 160 * Second);

        Assert.Equal((4, 110_000, 140_000), (range.Count, range.TimestampMs(0), range.TimestampMs(3)));
        Assert.Equal([null, 0, 0, 1, 3, null], new ulong[] { 100 * Second, (100 * Second) + 1, (110 * Second) - 1, 110 * Second, (131 * Second) - 1, 131 * Second }.Select(range.StepOf));
        Assert.Equal((1, 60.0, 0), (whole.Count, whole.SecondsPerStep, whole.StepOf(159 * Second)));
    }

    private static IReadOnlyList<Series> Evaluate(string query)
    {
        var evaluator = new MetricsEvaluator(Metrics(query), MetricsRange.Of(Start, Start + (60 * Second), 10 * Second), maxExemplars: 0);
        foreach (EvaluatedTrace trace in s_traces) evaluator.Observe(trace);
        return evaluator.Evaluate();
    }

    private static MetricsExpression Metrics(string query) => Assert.IsAssignableFrom<MetricsExpression>(TraceQlParser.Parse(query).Root);

    private static string Show(Series series) =>
        $"{string.Join(' ', series.Labels.Select(label => FormattableString.Invariant($"{label.Name}={label.Value}")))}: {string.Join(' ', series.Values.Select(value => double.IsNaN(value) ? "-" : FormattableString.Invariant($"{Math.Round(value, 9)}")))}";

    private static int s_number;

    private static Span At(int trace, int second, string name, ulong milliseconds, params (string Key, object Value)[] attributes)
    {
        int number = ++s_number;
        Span span = Span(trace, number, number is 2 or 4 ? number - 1 : 0, name, Start + ((ulong)second * Second), milliseconds * 1_000_000);
        span.Attributes.Clear();
        span.Attributes.Add(attributes.Select(attribute => Attribute(attribute.Key, attribute.Value)));
        return span;
    }
}
