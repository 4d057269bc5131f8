namespace TraceStore.Query.TraceQl;

internal static class MetricsPipelines
{
    /// <summary>Those that an expression has, from the left.</summary>
    public static IEnumerable<MetricsPipeline> Of(MetricsExpression query) => query switch
    {
        MetricsPipeline pipeline => [pipeline],
        MetricsOperation operation => Of(operation.Left).Concat(Of(operation.Right)),
        MetricsFilter filter => Of(filter.Of),
        TopSeries top => Of(top.Of),
        _ => [],
    };
}

/// <summary>Series made of the spans that an expression gives.</summary>
public sealed record MetricsPipeline(int Position, SpansetExpression Spans, MetricsFunction Function) : MetricsExpression(Position);

/// <summary>How spans become series.</summary>
public abstract record MetricsFunction(int Position) : Expression(Position);

/// <summary>A number for each step of time, and for each of what the spans are grouped by.</summary>
/// <param name="Position">Where it stands.</param>
/// <param name="Function">Which.</param>
/// <param name="Of">The field; null where spans are counted.</param>
/// <param name="Quantiles">From 0 to 1; empty for other functions.</param>
/// <param name="By">Fields, of which each series has values of its own.</param>
public sealed record OverTime(int Position, OverTimeFunction Function, FieldExpression? Of, IReadOnlyList<double> Quantiles, IReadOnlyList<FieldExpression> By) : MetricsFunction(Position);

public enum OverTimeFunction
{
    /// <summary>Spans a second.</summary>
    Rate,
    Count,
    Min,
    Max,
    Avg,
    Sum,
    Quantile,
    Histogram,
}

/// <summary>Of each attribute, how often its values are there among the selected spans, and among the others.</summary>
/// <param name="Position">Where it stands.</param>
/// <param name="Selection">Which are selected.</param>
/// <param name="Top">The most frequent values of an attribute that are told.</param>
/// <param name="Start">They started at or after that time, nanoseconds since 1970; null for any.</param>
/// <param name="End">And before that.</param>
public sealed record Compare(int Position, SpansetFilter Selection, int Top, long? Start, long? End) : MetricsFunction(Position)
{
    public const int DefaultTop = 10;
}

/// <summary>Series of equal labels reckoned with, step by step.</summary>
public sealed record MetricsOperation(int Position, ArithmeticOperator Operator, MetricsExpression Left, MetricsExpression Right) : MetricsExpression(Position);

/// <summary>The same number at each step.</summary>
public sealed record MetricsLiteral(int Position, double Value) : MetricsExpression(Position);

/// <summary>The steps of series that compare so.</summary>
public sealed record MetricsFilter(int Position, MetricsExpression Of, BinaryOperator Operator, double Value) : MetricsExpression(Position);

/// <summary>At each step, so many series, with the largest or smallest numbers.</summary>
public sealed record TopSeries(int Position, MetricsExpression Of, int Count, bool IsBottom) : MetricsExpression(Position);
