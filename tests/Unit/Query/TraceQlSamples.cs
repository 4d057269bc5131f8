using TraceStore.Query.TraceQl;

namespace TraceStore.Tests.Unit.Query;

/// <summary>Makes arbitrary queries that have a meaning: each of the language's parts, nested.</summary>
/// <param name="random">Chooses.</param>
/// <param name="names">Attributes' names.</param>
/// <param name="texts">Values that are strings.</param>
public sealed class TraceQlSamples(Random random, IReadOnlyList<string> names, IReadOnlyList<string> texts)
{
    private static readonly Intrinsic[] s_texts =
    [
        Intrinsic.Name, Intrinsic.StatusMessage, Intrinsic.SpanId, Intrinsic.ParentId, Intrinsic.EventName, Intrinsic.LinkTraceId, Intrinsic.LinkSpanId,
        Intrinsic.ScopeName, Intrinsic.ScopeVersion, Intrinsic.TraceId, Intrinsic.RootName, Intrinsic.RootService,
    ];

    private static readonly Intrinsic[] s_numbers =
        [Intrinsic.Duration, Intrinsic.TraceDuration, Intrinsic.EventTimeSinceStart, Intrinsic.ChildCount, Intrinsic.NestedSetLeft, Intrinsic.NestedSetRight, Intrinsic.NestedSetParent];

    private static readonly BinaryOperator[] s_equality = [BinaryOperator.Equal, BinaryOperator.NotEqual];

    private static readonly BinaryOperator[] s_order = [.. s_equality, BinaryOperator.Less, BinaryOperator.LessOrEqual, BinaryOperator.Greater, BinaryOperator.GreaterOrEqual];

    public TraceQlQuery Query()
    {
        Expression root = random.Next(3) == 0 ? Metrics(2) : Spans(3);
        return new TraceQlQuery(root, random.Next(4) > 0 ? [] : [new Hint(0, "most_recent", true), new Hint(0, "sample", OneOf<object>(1L, -0.5, "x", new DurationValue(5)))]);
    }

    public MetricsExpression Metrics(int depth) => (depth > 0 ? random.Next(5) : 0) switch
    {
        1 => new MetricsOperation(0, OneOf(ArithmeticOperator.Add, ArithmeticOperator.Subtract, ArithmeticOperator.Multiply, ArithmeticOperator.Divide), Metrics(depth - 1), OneOf(Metrics(depth - 1), new MetricsLiteral(0, 100))),
        2 => new MetricsFilter(0, Metrics(depth - 1), OneOf(s_order), 0.5),
        3 => new TopSeries(0, Metrics(depth - 1), 1 + random.Next(9), random.Next(2) == 0),
        _ => new MetricsPipeline(0, Spans(depth), Function()),
    };

    public SpansetExpression Spans(int depth)
    {
        switch (depth > 0 ? random.Next(7) : 0)
        {
            case 1:
                return new SpansetOperation(0, OneOf(Enum.GetValues<SpansetOperator>()), Spans(depth - 1), Spans(depth - 1));
            case 2:
                return Pipeline(depth - 1);
            case 3:
                return Comparison(depth - 1);
            default:
                return Filter(depth);
        }
    }

    public SpansetFilter Filter(int depth) => new(0, random.Next(5) == 0 ? null : Condition(depth));

    public FieldExpression Condition(int depth)
    {
        switch (depth > 0 ? random.Next(9) : 1 + random.Next(6))
        {
            case 0:
                return new LogicalExpression(0, OneOf(LogicalOperator.And, LogicalOperator.Or), [.. Enumerable.Range(0, 2 + random.Next(2)).Select(_ => Condition(depth - 1))]);
            case 1:
                return new BinaryExpression(0, OneOf(s_order), Number(depth - 1), random.Next(2) == 0 ? Value(Quantity()) : Number(0));
            case 2:
                return new BinaryExpression(0, OneOf([.. s_order, BinaryOperator.Matches, BinaryOperator.NotMatches]), OneOf<FieldExpression>(Attribute(), new IntrinsicField(0, OneOf(s_texts))), Value(OneOf(texts)));
            case 3:
                return OneOf(
                    new BinaryExpression(0, OneOf(s_equality), OneOf<FieldExpression>(Attribute(), new IntrinsicField(0, Intrinsic.Status)), Value(OneOf(Enum.GetValues<StatusValue>()))),
                    new BinaryExpression(0, OneOf(s_equality), OneOf<FieldExpression>(Attribute(), new IntrinsicField(0, Intrinsic.Kind)), Value(OneOf(Enum.GetValues<KindValue>()))));
            case 4:
                return new BinaryExpression(0, OneOf(s_equality), OneOf<FieldExpression>(Attribute(), new IntrinsicField(0, Intrinsic.Parent), new IntrinsicField(0, OneOf(s_texts))), Value(default(NilValue)));
            case 5:
                return OneOf<FieldExpression>(Attribute(), Value(random.Next(2) == 0), new BinaryExpression(0, OneOf(s_equality), Attribute(), Value(random.Next(2) == 0)));
            case 6:
                return new BinaryExpression(0, OneOf(s_order), Attribute(), Attribute());
            default:
                return new NotExpression(0, Condition(depth - 1));
        }
    }

    private FieldExpression Number(int depth) => (depth > 0 ? random.Next(5) : random.Next(2)) switch
    {
        2 => new ArithmeticExpression(0, OneOf(Enum.GetValues<ArithmeticOperator>()), Number(depth - 1), OneOf<FieldExpression>(Value(Quantity()), Number(depth - 1))),
        3 => new NegativeExpression(0, Attribute()),
        0 => new IntrinsicField(0, OneOf(s_numbers)),
        _ => Attribute(),
    };

    private AttributeField Attribute()
    {
        bool ofParent = random.Next(6) == 0;
        AttributeScope scope = ofParent ? OneOf(AttributeScope.Any, AttributeScope.Span, AttributeScope.Resource) : OneOf(Enum.GetValues<AttributeScope>());
        return new AttributeField(0, scope, OneOf(names), ofParent);
    }

    private SpansetPipeline Pipeline(int depth)
    {
        List<SpansetExpression> stages = [Spans(depth)];
        for (int more = 1 + random.Next(3); more > 0; more--)
        {
            stages.Add(OneOf<Func<SpansetExpression>>(
                () => Filter(depth), () => Comparison(depth), () => new GroupStage(0, OneOf<FieldExpression>(Attribute(), new IntrinsicField(0, Intrinsic.Name))),
                () => new CoalesceStage(0), () => new SelectStage(0, [Attribute(), new IntrinsicField(0, OneOf(s_numbers))]))());
        }

        return new SpansetPipeline(0, stages);
    }

    private ScalarFilter Comparison(int depth) => new(0, OneOf(s_order), Aggregated(depth), OneOf<ScalarExpression>(new ScalarLiteral(0, Quantity()), Aggregated(0)));

    private ScalarExpression Aggregated(int depth) => (depth > 0 ? random.Next(5) : random.Next(2)) switch
    {
        1 => new Aggregate(0, OneOf(AggregateFunction.Min, AggregateFunction.Max, AggregateFunction.Avg, AggregateFunction.Sum), Number(1)),
        2 => new ScalarOperation(0, OneOf(Enum.GetValues<ArithmeticOperator>()), Aggregated(depth - 1), new ScalarLiteral(0, Quantity())),
        3 => new ScalarPipeline(0, Spans(depth - 1), Aggregated(0)),
        _ => new Aggregate(0, AggregateFunction.Count, null),
    };

    private MetricsFunction Function()
    {
        OverTimeFunction function = OneOf(Enum.GetValues<OverTimeFunction>());
        bool isCount = function is OverTimeFunction.Rate or OverTimeFunction.Count;
        FieldExpression[] by = random.Next(2) == 0 ? [] : [Attribute(), new IntrinsicField(0, Intrinsic.Name)];
        return random.Next(6) == 0
            ? new Compare(0, Filter(1), 1 + random.Next(20), null, null)
            : new OverTime(0, function, isCount ? null : Number(0), function == OverTimeFunction.Quantile ? [0.5, 0.99] : [], by);
    }

    private object Quantity() => OneOf<object>((long)random.Next(-3, 6), random.Next(-30, 60) / 10.0, new DurationValue(random.Next(-5, 50) * 1_000_000L), long.MinValue, 0L);

    private static Literal Value(object value) => new(0, value);

    private T OneOf<T>(params IReadOnlyList<T> values) => values[random.Next(values.Count)];
}
