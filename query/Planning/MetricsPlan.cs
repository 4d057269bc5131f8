using TraceStore.Query.Evaluation;
using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Planning;

/// <summary>A query for series.</summary>
public sealed record MetricsPlan
{
    /// <param name="query">What is asked for.</param>
    /// <param name="range">When, in which steps.</param>
    /// <param name="maxExemplars">Of a series at most.</param>
    /// <exception cref="QueryBoundsException">The query asks for too much.</exception>
    /// <exception cref="TraceQlException">It asks for traces.</exception>
    public MetricsPlan(TraceQlQuery query, MetricsRange range, int maxExemplars)
    {
        Metrics = query.Root as MetricsExpression ?? throw new TraceQlException(query.Root.Position, "this query finds traces; for series a function such as rate() was expected: {} | rate()").In(query.Text);
        (Query, Range, MaxExemplars) = (query, range, maxExemplars);
        SpansetExpression found = MetricsPipelines.Of(Metrics).Select(pipeline => pipeline.Spans).Aggregate((left, right) => new SpansetOperation(left.Position, SpansetOperator.Union, left, right));
        FieldExpression? filter = Candidates.OfEach(found);
        QueryBounds.Check(filter);
        Spans = new SearchPlan(new TraceQlQuery(found, query.Hints, query.Text), new TimeRange(range.Start, range.End - 1), limit: 1, spansPerSpanset: 0) { Filter = filter };
    }

    public TraceQlQuery Query { get; }

    public MetricsExpression Metrics { get; }

    public MetricsRange Range { get; }

    public int MaxExemplars { get; }

    /// <summary>What is searched for: traces with spans that count.</summary>
    public SearchPlan Spans { get; }
}
