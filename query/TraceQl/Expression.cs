namespace TraceStore.Query.TraceQl;

/// <summary>A piece of a query.</summary>
/// <param name="Position">Where it stands in the query, in characters from its start, for messages.</param>
public abstract record Expression(int Position);

/// <summary>An expression over one span's fields.</summary>
public abstract record FieldExpression(int Position) : Expression(Position);

/// <summary>What takes the spansets of a trace and gives others: a filter, what stands between two, or a stage of a pipeline.</summary>
public abstract record SpansetExpression(int Position) : Expression(Position);

/// <summary>A number for each spanset.</summary>
public abstract record ScalarExpression(int Position) : Expression(Position);

/// <summary>Series of numbers over time.</summary>
public abstract record MetricsExpression(int Position) : Expression(Position);

public enum ArithmeticOperator
{
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
}

public enum BinaryOperator
{
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
    NotMatches,
}
