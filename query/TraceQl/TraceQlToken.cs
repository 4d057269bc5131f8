namespace TraceStore.Query.TraceQl;

/// <summary>A piece of a query's text.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Position">Characters from the query's start, from 0.</param>
/// <param name="Text">As it stands; for a string, its content.</param>
/// <param name="Attribute">The attribute that it names; null for others.</param>
internal readonly record struct TraceQlToken(TraceQlTokenKind Kind, int Position, string Text, AttributeField? Attribute = null)
{
    public override string ToString() => Kind == TraceQlTokenKind.End ? "the end of the query" : $"'{Text}'";

    public bool Is(string symbol) => Kind == TraceQlTokenKind.Symbol && Text == symbol;
}

internal enum TraceQlTokenKind
{
    /// <summary>Brackets and operators.</summary>
    Symbol,

    /// <summary>An intrinsic, a function, or a value such as <c>true</c>.</summary>
    Word,

    /// <summary>An attribute with its scope.</summary>
    Attribute,
    String,
    Number,
    Duration,
    End,
}
