using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Evaluation;

/// <summary>
/// What a query says of a trace: the one place that says what TraceQL means; what is asked of ClickHouse only finds traces that it is tried on. Pure.
/// </summary>
public sealed class SpansetEvaluator
{
    private readonly EvaluatedTrace _trace;
    private readonly FieldEvaluator _fields;

    /// <param name="trace">The trace, whole.</param>
    public SpansetEvaluator(EvaluatedTrace trace) => (_trace, _fields) = (trace, new FieldEvaluator(trace));

    /// <summary>What a query finds in the trace; nothing where it doesn't.</summary>
    public IReadOnlyList<Spanset> Evaluate(SpansetExpression query) => Evaluate(query, [new Spanset(_trace.Spans, [])]);

    /// <summary>Whether a span meets a condition.</summary>
    public bool IsTrue(FieldExpression condition, EvaluatedSpan span) => _fields.IsTrue(condition, span);

    /// <summary>A field's values, as a <see cref="Literal"/> has them; none where it is missing.</summary>
    public IEnumerable<object> ValuesOf(FieldExpression field, EvaluatedSpan span) => _fields.ValuesOf(field, span);

    private IReadOnlyList<Spanset> Evaluate(SpansetExpression query, IReadOnlyList<Spanset> input) => query switch
    {
        SpansetFilter filter => [.. input.Select(spanset => Filter(spanset, filter.Condition)).OfType<Spanset>()],
        SpansetOperation operation => [.. input.Select(spanset => Relate(operation, spanset)).OfType<Spanset>()],
        SpansetPipeline pipeline => pipeline.Stages.Aggregate(input, (spansets, stage) => Evaluate(stage, spansets)),
        ScalarFilter filter => [.. input.Select(spanset => Compare(filter, spanset)).OfType<Spanset>()],
        GroupStage group => [.. input.SelectMany(spanset => Group(group, spanset))],
        CoalesceStage => Coalesce(input),
        SelectStage => input,
        _ => throw new InvalidOperationException($"BUG: {query.GetType().Name} means nothing."),
    };

    private Spanset? Filter(Spanset spanset, FieldExpression? condition)
    {
        if (condition is null) return spanset;
        EvaluatedSpan[] spans = [.. spanset.Spans.Where(span => _fields.IsTrue(condition, span))];
        return spans.Length > 0 ? spanset with { Spans = spans } : null;
    }

    private Spanset? Relate(SpansetOperation operation, Spanset spanset)
    {
        HashSet<EvaluatedSpan> left = SpansOf(operation.Left, spanset), right = SpansOf(operation.Right, spanset);
        HashSet<EvaluatedSpan> related = Relations.Of(operation.Operator, _trace, left, right);
        return related.Count > 0 ? spanset with { Spans = [.. spanset.Spans.Where(related.Contains)] } : null;
    }

    private HashSet<EvaluatedSpan> SpansOf(SpansetExpression query, Spanset spanset) => [.. Evaluate(query, [spanset]).SelectMany(found => found.Spans)];

    private Spanset? Compare(ScalarFilter filter, Spanset spanset)
    {
        if (NumberOf(filter.Left, spanset) is not { } left || NumberOf(filter.Right, spanset) is not { } right || FieldValues.Compare(left, right) is not { } order) return null;
        bool holds = filter.Operator switch
        {
            BinaryOperator.Equal => order == 0,
            BinaryOperator.NotEqual => order != 0,
            BinaryOperator.Less => order < 0,
            BinaryOperator.LessOrEqual => order <= 0,
            BinaryOperator.Greater => order > 0,
            _ => order >= 0,
        };
        if (!holds) return null;
        IEnumerable<SpansetAttribute> said = from side in new[] { (filter.Left, left), (filter.Right, right) } where side.Item1 is not ScalarLiteral select new SpansetAttribute(NameOf(side.Item1), side.Item2);
        return spanset with { Attributes = [.. spanset.Attributes, .. said] };
    }

    /// <summary>A spanset's number; null for none.</summary>
    private object? NumberOf(ScalarExpression number, Spanset spanset) => number switch
    {
        ScalarLiteral literal => literal.Value,
        Aggregate { Of: null } => (long)spanset.Spans.Count,
        Aggregate aggregate => NumberOf(aggregate.Function, [.. spanset.Spans.SelectMany(span => _fields.ValuesOf(aggregate.Of!, span)).Where(value => FieldValues.NumberOf(value) is { } known && !double.IsNaN(known))]),
        ScalarOperation operation => NumberOf(operation.Left, spanset) is { } left && NumberOf(operation.Right, spanset) is { } right ? FieldValues.Reckon(operation.Operator, left, right) : null,
        ScalarPipeline pipeline => NumberOf(pipeline.Number, new Spanset([.. spanset.Spans.Where(SpansOf(pipeline.Spans, spanset).Contains)], [])),
        _ => throw new InvalidOperationException($"BUG: {number.GetType().Name} means nothing."),
    };

    private static object? NumberOf(AggregateFunction function, IReadOnlyList<object> values)
    {
        if (values.Count == 0) return null;
        return function switch
        {
            AggregateFunction.Min => values.Aggregate((least, value) => FieldValues.Compare(value, least) < 0 ? value : least),
            AggregateFunction.Max => values.Aggregate((most, value) => FieldValues.Compare(value, most) > 0 ? value : most),
            AggregateFunction.Sum => Sum(values),
            _ => Sum(values) switch
            {
                DurationValue whole => new DurationValue(whole.Nanoseconds / values.Count),
                { } whole => FieldValues.Reckon(ArithmeticOperator.Divide, whole, (long)values.Count),
                null => null,
            },
        };
    }

    private static object? Sum(IReadOnlyList<object> values) =>
        values.Aggregate((object?)0L, (sum, value) => sum is null ? null : FieldValues.Reckon(ArithmeticOperator.Add, sum, value));

    private static string NameOf(ScalarExpression number) => number is Aggregate { Of: { } of } aggregate
        ? $"{aggregate.Function.ToString().ToLowerInvariant()}({FieldLabels.AsLabel(of)})"
        : TraceQlPrinter.Print(number);

    private IEnumerable<Spanset> Group(GroupStage stage, Spanset spanset) =>
        from span in spanset.Spans
        group span by _fields.ValuesOf(stage.By, span).FirstOrDefault() ?? default(NilValue) into alike
        select new Spanset([.. alike], [.. spanset.Attributes, new SpansetAttribute($"by({FieldLabels.AsLabel(stage.By)})", alike.Key is NilValue ? null : alike.Key)]);

    private IReadOnlyList<Spanset> Coalesce(IReadOnlyList<Spanset> input)
    {
        HashSet<EvaluatedSpan> spans = [.. input.SelectMany(spanset => spanset.Spans)];
        return spans.Count > 0 ? [new Spanset([.. _trace.Spans.Where(spans.Contains)], [])] : [];
    }
}
