namespace TraceStore.Query.TraceQl;

/// <summary>A TraceQL query.</summary>
/// <param name="Root">What it asks for: spansets or series.</param>
/// <param name="Hints">How: <c>with(most_recent=true)</c>.</param>
/// <param name="Text">As it was written; empty where nobody did.</param>
public sealed record TraceQlQuery(Expression Root, IReadOnlyList<Hint> Hints, string Text = "")
{
    /// <summary>The query that matches everything.</summary>
    public static TraceQlQuery Everything { get; } = Of(null);

    /// <summary>A query for the spans that meet a condition; null for all.</summary>
    public static TraceQlQuery Of(FieldExpression? condition) => new(new SpansetFilter(0, condition), []);
}

/// <summary>A hint: its value is a string, long, double, bool or <see cref="DurationValue"/>.</summary>
public sealed record Hint(int Position, string Name, object Value);
