using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Evaluation;

/// <summary>
/// What a metrics query means (Grafana Tempo's documentation of TraceQL metrics). Each trace is observed once, whole; of its spans those count that
/// started within the range.
/// </summary>
public sealed class MetricsEvaluator
{
    private readonly MetricsExpression _query;
    private readonly MetricsRange _range;
    private readonly Dictionary<MetricsPipeline, ISeriesCollector> _collectors = new(ReferenceEqualityComparer.Instance);

    /// <param name="query">The query.</param>
    /// <param name="range">Its steps.</param>
    /// <param name="maxExemplars">Of a series at most.</param>
    public MetricsEvaluator(MetricsExpression query, MetricsRange range, int maxExemplars)
    {
        (_query, _range) = (query, range);
        foreach (MetricsPipeline pipeline in MetricsPipelines.Of(query))
        {
            _collectors.Add(pipeline, pipeline.Function is Compare compare ? new ComparisonCollector(compare, range) : new SeriesCollector((OverTime)pipeline.Function, range, maxExemplars));
        }
    }

    /// <summary>Takes a trace into account.</summary>
    public void Observe(EvaluatedTrace trace)
    {
        var evaluator = new SpansetEvaluator(trace);
        foreach ((MetricsPipeline pipeline, ISeriesCollector collector) in _collectors)
        {
            foreach (EvaluatedSpan span in evaluator.Evaluate(pipeline.Spans).SelectMany(spanset => spanset.Spans).Distinct()) collector.Observe(trace, evaluator, span);
        }
    }

    /// <summary>What the traces that were observed give.</summary>
    public IReadOnlyList<Series> Evaluate() => SeriesOf(_query);

    private IReadOnlyList<Series> SeriesOf(MetricsExpression query) => query switch
    {
        MetricsPipeline pipeline => _collectors[pipeline].Collect(),
        MetricsLiteral literal => [new Series([], [.. Enumerable.Repeat(literal.Value, _range.Count)], [])],
        MetricsOperation operation => Reckon(operation.Operator, SeriesOf(operation.Left), SeriesOf(operation.Right)),
        MetricsFilter filter => [.. SeriesOf(filter.Of).Select(series => Keep(series, (_, value) => Holds(filter.Operator, value, filter.Value))).Where(HasValues)],
        TopSeries top => Top(SeriesOf(top.Of), top),
        _ => throw new InvalidOperationException($"BUG: {query.GetType().Name} means nothing."),
    };

    /// <summary>Series of equal labels, or one without any and each of the others. What is missing on one side is 0; nothing is divided by 0.</summary>
    private static IReadOnlyList<Series> Reckon(ArithmeticOperator arithmetic, IReadOnlyList<Series> left, IReadOnlyList<Series> right)
    {
        Dictionary<string, Series> ours = left.ToDictionary(series => series.Key), theirs = right.ToDictionary(series => series.Key);
        bool isLeftSingle = ours.ContainsKey("") && !theirs.ContainsKey("");
        return
        [
            .. from one in isLeftSingle ? right : left
               let first = isLeftSingle ? ours[""] : one
               let second = isLeftSingle ? one : theirs.GetValueOrDefault(one.Key) ?? theirs.GetValueOrDefault("")
               where second is not null
               select new Series(one.Labels, [.. first.Values.Zip(second.Values, (a, b) => Reckon(arithmetic, double.IsNaN(a) ? 0 : a, double.IsNaN(b) ? 0 : b))], [.. first.Exemplars, .. second.Exemplars]),
        ];
    }

    private static double Reckon(ArithmeticOperator arithmetic, double left, double right) => arithmetic switch
    {
        ArithmeticOperator.Add => left + right,
        ArithmeticOperator.Subtract => left - right,
        ArithmeticOperator.Multiply => left * right,
        _ => right == 0 ? double.NaN : left / right,
    };

    private static bool Holds(BinaryOperator comparison, double value, double other) => comparison switch
    {
        BinaryOperator.Equal => value == other,
        BinaryOperator.NotEqual => value != other,
        BinaryOperator.Less => value < other,
        BinaryOperator.LessOrEqual => value <= other,
        BinaryOperator.Greater => value > other,
        _ => value >= other,
    };

    private static List<Series> Top(IReadOnlyList<Series> series, TopSeries top)
    {
        if (series.Count <= top.Count) return [.. series];
        string[] keys = [.. series.Select(one => one.Key)];
        var kept = new HashSet<(int, int)>();
        for (int step = 0; step < series[0].Values.Length; step++)
        {
            var known = series.Index().Where(one => !double.IsNaN(one.Item.Values[step]));
            var ordered = top.IsBottom ? known.OrderBy(one => one.Item.Values[step]) : known.OrderByDescending(one => one.Item.Values[step]);
            kept.UnionWith(ordered.ThenBy(one => keys[one.Index], StringComparer.Ordinal).Take(top.Count).Select(one => (one.Index, step)));
        }

        return [.. series.Index().Select(one => Keep(one.Item, (step, _) => kept.Contains((one.Index, step)))).Where(HasValues)];
    }

    private static Series Keep(Series series, Func<int, double, bool> isKept) => series with { Values = [.. series.Values.Select((value, step) => !double.IsNaN(value) && isKept(step, value) ? value : double.NaN)] };

    private static bool HasValues(Series series) => !Array.TrueForAll(series.Values, double.IsNaN);
}
