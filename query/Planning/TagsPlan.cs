using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Planning;

/// <summary>A list of tags, or of a tag's values, that is asked for.</summary>
public sealed record TagsPlan
{
    /// <param name="query">TraceQL that the spans whose tags are listed must meet, perhaps half-written; null for all. What can't be read or pushed down of it is left out: a list may have more, never less.</param>
    /// <param name="time">When the spans started; null for any time.</param>
    /// <param name="limit">Entries at most; of tags in each scope.</param>
    /// <exception cref="QueryBoundsException">The query asks for too much.</exception>
    public TagsPlan(string? query, TimeRange? time, int limit)
    {
        (Filter, Time, Limit) = (query is null ? null : FilterOf(query), time, limit);
        QueryBounds.Check(Filter);
    }

    /// <summary>What the spans must be; null for any, and then the lists that are kept are read.</summary>
    public FieldExpression? Filter { get; init; }

    public TimeRange? Time { get; }

    public int Limit { get; }

    private static FieldExpression? FilterOf(string query)
    {
        try
        {
            if (TraceQlParser.ParseLeniently(query) is not { } condition) return null;
            TraceQlCheck.Check(TraceQlQuery.Of(condition));
            return Candidates.OfEach(new SpansetFilter(0, condition)) is { } filter and not Literal ? filter : null;
        }
        catch (TraceQlException)
        {
            return null; // who writes it sees what is wrong when it is run
        }
    }
}
