namespace TraceStore.Query.TraceQl;

/// <summary>A piece of a query's text.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Position">Characters from the query's start, from 0.</param>
/// <param name="Text">As it stands; for a string, its content.</param>
internal readonly record struct TraceQlToken(TraceQlTokenKind Kind, int Position, string Text)
{
    public override string ToString() => Kind == TraceQlTokenKind.End ? "the end of the query" : $"'{Text}'";
}

internal enum TraceQlTokenKind
{
    /// <summary>Brackets and operators.</summary>
    Symbol,

    /// <summary>A name with its dots: an intrinsic, an attribute, or a word such as <c>true</c>.</summary>
    Name,
    String,
    Number,
    Duration,
    End,
}
