namespace TraceStore.Query.TraceQl;

/// <summary>A query that can't be run, in words for the one who wrote it.</summary>
/// <param name="position">Characters from the query's start, from 0.</param>
/// <param name="problem">What is wrong there.</param>
public sealed class TraceQlException(int position, string problem)
    : Exception($"Invalid TraceQL query at position {position + 1}: {problem}.")
{
    public int Position { get; } = position;
}
