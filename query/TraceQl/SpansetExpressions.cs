namespace TraceStore.Query.TraceQl;

/// <summary>Of each spanset, the spans that meet a condition.</summary>
/// <param name="Position">Where it stands.</param>
/// <param name="Condition">Null for all: <c>{}</c>.</param>
public sealed record SpansetFilter(int Position, FieldExpression? Condition) : SpansetExpression(Position);

/// <summary>Two expressions' spans, held against each other.</summary>
public sealed record SpansetOperation(int Position, SpansetOperator Operator, SpansetExpression Left, SpansetExpression Right) : SpansetExpression(Position);

/// <summary>What stands between two spansets. All but the first two ask of the right one's spans how they are related to the left one's.</summary>
public enum SpansetOperator
{
    /// <summary>Both, where both have spans.</summary>
    And,

    /// <summary>Both.</summary>
    Union,
    Child,
    Parent,
    Descendant,
    Ancestor,
    Sibling,
    NotChild,
    NotParent,
    NotDescendant,
    NotAncestor,
    NotSibling,

    /// <summary>From here on: with the spans of the left that they are related to.</summary>
    UnionChild,
    UnionParent,
    UnionDescendant,
    UnionAncestor,
    UnionSibling,
}

/// <summary>Stages, each of which takes what the one before gives.</summary>
public sealed record SpansetPipeline(int Position, IReadOnlyList<SpansetExpression> Stages) : SpansetExpression(Position);

/// <summary>Those spansets whose numbers compare so.</summary>
public sealed record ScalarFilter(int Position, BinaryOperator Operator, ScalarExpression Left, ScalarExpression Right) : SpansetExpression(Position);

/// <summary>Each spanset divided into those of which the spans have a field alike.</summary>
public sealed record GroupStage(int Position, FieldExpression By) : SpansetExpression(Position);

/// <summary>All spansets as one.</summary>
public sealed record CoalesceStage(int Position) : SpansetExpression(Position);

/// <summary>The same spansets, and the fields are shown.</summary>
public sealed record SelectStage(int Position, IReadOnlyList<FieldExpression> Fields) : SpansetExpression(Position);

/// <summary>A number or duration.</summary>
public sealed record ScalarLiteral(int Position, object Value) : ScalarExpression(Position);

/// <summary>A number from a spanset's spans.</summary>
/// <param name="Position">Where it stands.</param>
/// <param name="Function">How.</param>
/// <param name="Of">Of which field; null for the count.</param>
public sealed record Aggregate(int Position, AggregateFunction Function, FieldExpression? Of) : ScalarExpression(Position);

public enum AggregateFunction
{
    Count,
    Min,
    Max,
    Avg,
    Sum,
}

/// <summary>Two numbers reckoned with.</summary>
public sealed record ScalarOperation(int Position, ArithmeticOperator Operator, ScalarExpression Left, ScalarExpression Right) : ScalarExpression(Position);

/// <summary>A number from the spans that a pipeline gives: <c>({…} | count())</c>.</summary>
public sealed record ScalarPipeline(int Position, SpansetExpression Spans, ScalarExpression Number) : ScalarExpression(Position);
