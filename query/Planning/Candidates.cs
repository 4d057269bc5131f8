using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Planning;

/// <summary>
/// What ClickHouse can find the traces by that a query is then tried on: a condition that at least one span of each meets. Pure. It may be met by more,
/// never by fewer; where nothing can be said it is null, and any trace may be one.
/// </summary>
internal static class Candidates
{
    private const int TraceIdDigits = 32, SpanIdDigits = 16;

    public static FieldExpression? Of(SpansetExpression query) => query switch
    {
        SpansetFilter { Condition: { } condition } => AtLeast(condition) ?? OfRoot(condition),
        SpansetOperation { Operator: SpansetOperator.Union } union => Either(union.Position, Of(union.Left), Of(union.Right)),
        SpansetOperation { Operator: SpansetOperator.NotChild or SpansetOperator.NotParent or SpansetOperator.NotDescendant or SpansetOperator.NotAncestor or SpansetOperator.NotSibling } not => Of(not.Right),
        SpansetOperation both => Rarer(Of(both.Left), Of(both.Right)),
        SpansetPipeline pipeline => pipeline.Stages.Select(Of).Aggregate((FieldExpression?)null, Rarer),
        _ => null,
    };

    /// <summary>A condition that each span meets that a query finds; null where nothing can be said.</summary>
    public static FieldExpression? OfEach(SpansetExpression query) => query switch
    {
        SpansetFilter { Condition: { } condition } => AtLeast(condition),
        SpansetOperation { Operator: SpansetOperator.And or SpansetOperator.Union or >= SpansetOperator.UnionChild } both => Either(both.Position, OfEach(both.Left), OfEach(both.Right)),
        SpansetOperation relation => OfEach(relation.Right),
        SpansetPipeline pipeline => pipeline.Stages.Select(OfEach).Aggregate((FieldExpression?)null, Rarer),
        _ => null,
    };

    /// <summary>Whether ClickHouse says of a condition just what it means.</summary>
    public static bool IsExact(FieldExpression? condition) => condition switch
    {
        null or Literal { Value: bool } => true,
        LogicalExpression logical => logical.Operands.All(IsExact),
        NotExpression not => IsExact(not.Operand),
        BinaryExpression comparison => IsKnown(comparison) && !SaysMore(comparison),
        _ => false,
    };

    /// <summary>A condition that is met wherever this one is.</summary>
    private static FieldExpression? AtLeast(FieldExpression condition)
    {
        switch (condition)
        {
            case LogicalExpression { Operator: LogicalOperator.And } all:
                return Chain(all, [.. all.Operands.Select(AtLeast).OfType<FieldExpression>()]);
            case LogicalExpression any:
                FieldExpression?[] operands = [.. any.Operands.Select(AtLeast)];
                return operands.Contains(null) ? null : any with { Operands = operands! };
            case NotExpression not:
                return AtMost(not.Operand) is { } operand ? not with { Operand = operand } : null;
            case BinaryExpression comparison when IsKnown(comparison):
                return comparison;
            case BinaryExpression { Left: AttributeField { Scope: AttributeScope.Event or AttributeScope.Link, OfParent: false } field, Right: Literal { Value: not NilValue } }:
                return new MentionExpression(field.Position, field.Name);
            case AttributeField { OfParent: false, Scope: AttributeScope.Span or AttributeScope.Resource or AttributeScope.Any } field:
                return IsTrue(field);
            case Literal { Value: false }:
                return condition;
            default:
                return null;
        }
    }

    /// <summary>A condition that is met only where this one is.</summary>
    private static FieldExpression? AtMost(FieldExpression condition)
    {
        switch (condition)
        {
            case LogicalExpression { Operator: LogicalOperator.Or } any:
                return Chain(any, [.. any.Operands.Select(AtMost).OfType<FieldExpression>()]);
            case LogicalExpression all:
                FieldExpression?[] operands = [.. all.Operands.Select(AtMost)];
                return operands.Contains(null) ? null : all with { Operands = operands! };
            case NotExpression not:
                return AtLeast(not.Operand) is { } operand ? not with { Operand = operand } : null;
            case BinaryExpression comparison when IsKnown(comparison) && !SaysMore(comparison):
                return comparison;
            case AttributeField { OfParent: false, Scope: AttributeScope.Span or AttributeScope.Resource or AttributeScope.Any } field:
                return IsTrue(field);
            case Literal { Value: true }:
                return condition;
            default:
                return null;
        }
    }

    /// <summary>Of conditions that must all be met, one that only the root can meet, where nothing is known of the others.</summary>
    private static FieldExpression? OfRoot(FieldExpression condition) => condition switch
    {
        LogicalExpression { Operator: LogicalOperator.And } all => all.Operands.Select(OfRoot).FirstOrDefault(found => found is not null),
        BinaryExpression { Left: IntrinsicField { Intrinsic: Intrinsic.RootName }, Right: Literal { Value: string } } name => name with { Left = new IntrinsicField(name.Left.Position, Intrinsic.Name) },
        BinaryExpression { Left: IntrinsicField { Intrinsic: Intrinsic.RootService }, Operator: BinaryOperator.Equal, Right: Literal { Value: string { Length: > 0 } } } service =>
            service with { Left = new AttributeField(service.Left.Position, AttributeScope.Resource, "service.name") },
        _ => null,
    };

    /// <summary>Whether there are columns to compare with.</summary>
    private static bool IsKnown(BinaryExpression comparison)
    {
        bool isEqual = comparison.Operator == BinaryOperator.Equal;
        return (comparison.Left, (comparison.Right as Literal)?.Value) switch
        {
            (AttributeField { OfParent: true }, _) => false,
            (AttributeField { Scope: AttributeScope.Span or AttributeScope.Resource or AttributeScope.Any }, string or long or double or bool or DurationValue or AnyTypeText) => true,
            (AttributeField { Scope: AttributeScope.Event }, AnyTypeText) => isEqual,
            (IntrinsicField { Intrinsic: Intrinsic.Name or Intrinsic.StatusMessage or Intrinsic.ScopeName or Intrinsic.ScopeVersion }, string) => true,
            (IntrinsicField { Intrinsic: Intrinsic.Status }, StatusValue) => true,
            (IntrinsicField { Intrinsic: Intrinsic.Kind }, KindValue) => true,
            (IntrinsicField { Intrinsic: Intrinsic.Duration }, DurationValue or long) => true,
            (IntrinsicField { Intrinsic: Intrinsic.EventName or Intrinsic.TraceState }, string { Length: > 0 } text) => isEqual && !text.Contains('\uFFFD', StringComparison.Ordinal),
            (IntrinsicField { Intrinsic: Intrinsic.TraceId }, string id) => isEqual && IsHex(id, TraceIdDigits),
            (IntrinsicField { Intrinsic: Intrinsic.SpanId or Intrinsic.ParentId }, string id) => isEqual && IsHex(id, SpanIdDigits),
            _ => false,
        };
    }

    /// <summary>
    /// Whether ClickHouse may say yes where the answer is no: where none of several values may be equal, it is asked whether any isn't; and an event's name
    /// is looked for as bytes.
    /// </summary>
    private static bool SaysMore(BinaryExpression comparison) =>
        comparison is { Left: AttributeField, Operator: BinaryOperator.NotEqual or BinaryOperator.NotMatches } or { Left: IntrinsicField { Intrinsic: Intrinsic.EventName }, Right: Literal { Value: string } };

    private static bool IsHex(string text, int digits) => text.Length == digits && text.All(char.IsAsciiHexDigitLower) && text.Any(digit => digit != '0');

    private static BinaryExpression IsTrue(AttributeField field) => new(field.Position, BinaryOperator.Equal, field, new Literal(field.Position, true));

    private static FieldExpression? Chain(LogicalExpression logical, List<FieldExpression> operands) => operands.Count > 1 ? logical with { Operands = operands } : operands.SingleOrDefault();

    private static LogicalExpression? Either(int position, FieldExpression? left, FieldExpression? right) =>
        left is null || right is null ? null : new LogicalExpression(position, LogicalOperator.Or, [left, right]);

    /// <summary>Both must be met by some span, and so either tells: the one that asks for more.</summary>
    private static FieldExpression? Rarer(FieldExpression? left, FieldExpression? right) => (left, right) switch
    {
        (null, _) => right,
        (_, null) => left,
        _ => Weight(right) > Weight(left) ? right : left,
    };

    /// <summary>About how few spans meet it.</summary>
    private static int Weight(FieldExpression condition) => condition switch
    {
        LogicalExpression { Operator: LogicalOperator.And } all => all.Operands.Sum(Weight),
        LogicalExpression any => any.Operands.Min(Weight),
        BinaryExpression { Operator: BinaryOperator.Equal, Left: AttributeField or IntrinsicField { Intrinsic: Intrinsic.TraceId or Intrinsic.SpanId or Intrinsic.ParentId } } => 4,
        BinaryExpression { Operator: BinaryOperator.NotEqual or BinaryOperator.NotMatches } or NotExpression => 1,
        BinaryExpression { Left: IntrinsicField { Intrinsic: Intrinsic.Kind } } => 1,
        _ => 2,
    };
}
