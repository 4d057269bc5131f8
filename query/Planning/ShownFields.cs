using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Planning;

/// <summary>The fields that are shown of each span that was found: those that a query compares, and those it selects.</summary>
internal static class ShownFields
{
    /// <summary>They are told anyway, of the span or of its trace.</summary>
    private static readonly Intrinsic[] s_told =
        [Intrinsic.Name, Intrinsic.Duration, Intrinsic.SpanId, Intrinsic.TraceId, Intrinsic.TraceDuration, Intrinsic.RootName, Intrinsic.RootService, Intrinsic.Parent];

    public static IEnumerable<FieldExpression> Of(SpansetExpression query) =>
        FieldsOf(query).Where(field => field is not IntrinsicField { Intrinsic: var intrinsic } || !s_told.Contains(intrinsic)).Select(field => field with { Position = 0 }).Distinct();

    /// <summary>How many fields a query names.</summary>
    public static int CountOf(SpansetExpression query) => FieldsOf(query).Count();

    private static IEnumerable<FieldExpression> FieldsOf(SpansetExpression query) => query switch
    {
        SpansetFilter { Condition: { } condition } => FieldsOf(condition),
        SpansetOperation operation => FieldsOf(operation.Left).Concat(FieldsOf(operation.Right)),
        SpansetPipeline pipeline => pipeline.Stages.SelectMany(FieldsOf),
        ScalarFilter filter => FieldsOf(filter.Left).Concat(FieldsOf(filter.Right)),
        GroupStage group => FieldsOf(group.By),
        SelectStage select => select.Fields,
        _ => [],
    };

    private static IEnumerable<FieldExpression> FieldsOf(ScalarExpression number) => number switch
    {
        Aggregate { Of: { } of } => FieldsOf(of),
        ScalarOperation operation => FieldsOf(operation.Left).Concat(FieldsOf(operation.Right)),
        ScalarPipeline pipeline => FieldsOf(pipeline.Spans).Concat(FieldsOf(pipeline.Number)),
        _ => [],
    };

    private static IEnumerable<FieldExpression> FieldsOf(FieldExpression expression) => expression switch
    {
        AttributeField or IntrinsicField => [expression],
        LogicalExpression logical => logical.Operands.SelectMany(FieldsOf),
        NotExpression not => FieldsOf(not.Operand),
        NegativeExpression negative => FieldsOf(negative.Operand),
        ArithmeticExpression arithmetic => FieldsOf(arithmetic.Left).Concat(FieldsOf(arithmetic.Right)),
        BinaryExpression comparison => FieldsOf(comparison.Left).Concat(FieldsOf(comparison.Right)),
        _ => [],
    };
}
