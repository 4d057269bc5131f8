namespace TraceStore.Query.TraceQl;

/// <summary>A query that can't be run, in words for the one who wrote it: where, what, and the place itself with a caret under it.</summary>
public sealed class TraceQlException : Exception
{
    /// <summary>Longer lines are shown in part.</summary>
    private const int MaxShown = 100;

    private readonly string _problem;

    /// <param name="position">Characters from the query's start, from 0.</param>
    /// <param name="problem">What is wrong there.</param>
    public TraceQlException(int position, string problem)
        : base($"Invalid TraceQL query at position {position + 1}: {problem}.")
    {
        (Position, _problem) = (position, problem);
    }

    private TraceQlException(TraceQlException inner, string message)
        : base(message, inner)
    {
        (Position, _problem) = (inner.Position, inner._problem);
    }

    public int Position { get; }

    /// <summary>The same, with the place in the query that it is about.</summary>
    public TraceQlException In(string query)
    {
        if (query.Length == 0 || InnerException is TraceQlException) return this;
        int position = Math.Min(Position, query.Length), start = position == 0 ? 0 : query.LastIndexOf('\n', position - 1) + 1;
        int end = query.IndexOf('\n', position), column = position - start, line = query.AsSpan(0, start).Count('\n') + 1;
        int from = Math.Max(start, position - (MaxShown / 2)), to = Math.Min(end < 0 ? query.Length : end, from + MaxShown);
        string shown = new([.. query[from..to].Select(character => char.IsControl(character) ? ' ' : character)]);
        return new TraceQlException(this, $"Invalid TraceQL query, line {line}, column {column + 1}: {_problem}.\n{shown}\n{new string(' ', position - from)}^");
    }
}
