namespace TraceStore.Query.Evaluation;

/// <summary>Some spans of a trace, in its order, and what a query's stages said of them.</summary>
/// <param name="Spans">Never empty in what a query finds.</param>
/// <param name="Attributes">What they were grouped by, and what was reckoned of them.</param>
public sealed record Spanset(IReadOnlyList<EvaluatedSpan> Spans, IReadOnlyList<SpansetAttribute> Attributes);

/// <summary>Something said of a spanset.</summary>
/// <param name="Name">As it is written in the query.</param>
/// <param name="Value">Null for nil.</param>
public sealed record SpansetAttribute(string Name, object? Value);
