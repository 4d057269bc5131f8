namespace TraceStore.Query.TraceQl;

/// <summary>A value that stands in the query. Its CLR type says which: string, long, double, bool, or one of ours.</summary>
public sealed record Literal(int Position, object Value) : FieldExpression(Position);

/// <summary>A value given as text by who can't say of which type it is: it means every type that is shown so.</summary>
public readonly record struct AnyTypeText(string Text);

/// <summary>A duration literal's value.</summary>
public readonly record struct DurationValue(long Nanoseconds);

/// <summary>What a span has that hasn't the field: <c>nil</c>.</summary>
public readonly record struct NilValue;

/// <summary>A status literal's value; the numbers are OTLP's.</summary>
public enum StatusValue
{
    Unset = 0,
    Ok = 1,
    Error = 2,
}

/// <summary>A kind literal's value; the numbers are OTLP's.</summary>
public enum KindValue
{
    Unspecified = 0,
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

/// <summary>An attribute: <c>.x</c>, <c>span.x</c>, <c>resource.x</c> and so on.</summary>
/// <param name="Position">Where it stands.</param>
/// <param name="Scope">Whose it is.</param>
/// <param name="Name">Its key.</param>
/// <param name="OfParent">Of the parent span: <c>parent.x</c>.</param>
public sealed record AttributeField(int Position, AttributeScope Scope, string Name, bool OfParent = false) : FieldExpression(Position);

public enum AttributeScope
{
    /// <summary>The span's attribute or, where it has none of that name, its resource's.</summary>
    Any,
    Span,
    Resource,
    Event,
    Link,
    Instrumentation,
}

/// <summary>A field that spans have by nature: <c>name</c>, <c>status</c>, <c>duration</c> and so on.</summary>
public sealed record IntrinsicField(int Position, Intrinsic Intrinsic) : FieldExpression(Position);

public enum Intrinsic
{
    Name,
    Status,
    StatusMessage,
    Kind,
    Duration,
    TraceState,
    SpanId,
    ParentId,

    /// <summary>How many spans name it as their parent.</summary>
    ChildCount,

    /// <summary>Whether there is a parent, which only <c>nil</c> can be compared with.</summary>
    Parent,
    NestedSetLeft,
    NestedSetRight,

    /// <summary>The parent's NestedSetLeft; -1 for a root.</summary>
    NestedSetParent,
    EventName,
    EventTimeSinceStart,
    LinkTraceId,
    LinkSpanId,
    ScopeName,
    ScopeVersion,
    TraceId,

    /// <summary>From the start of the trace's first span to the end of its last.</summary>
    TraceDuration,

    /// <summary>The name of the trace's root span.</summary>
    RootName,

    /// <summary>The service of the trace's root span.</summary>
    RootService,
}

/// <summary>Conditions of which all or any must hold: a chain of any length is one node, so that nothing walks it by recursion.</summary>
public sealed record LogicalExpression(int Position, LogicalOperator Operator, IReadOnlyList<FieldExpression> Operands) : FieldExpression(Position);

public enum LogicalOperator
{
    And,
    Or,
}

/// <summary>Two expressions compared. Where one of them is a value, it stands on the right.</summary>
public sealed record BinaryExpression(int Position, BinaryOperator Operator, FieldExpression Left, FieldExpression Right) : FieldExpression(Position);

/// <summary>Two expressions reckoned with.</summary>
public sealed record ArithmeticExpression(int Position, ArithmeticOperator Operator, FieldExpression Left, FieldExpression Right) : FieldExpression(Position);

/// <summary>That a text stands somewhere in what a span has no column for; nobody writes it, but to find what may be meant.</summary>
public sealed record MentionExpression(int Position, string Text) : FieldExpression(Position);

/// <summary>The opposite of an expression.</summary>
public sealed record NotExpression(int Position, FieldExpression Operand) : FieldExpression(Position);

/// <summary>An expression below zero.</summary>
public sealed record NegativeExpression(int Position, FieldExpression Operand) : FieldExpression(Position);
