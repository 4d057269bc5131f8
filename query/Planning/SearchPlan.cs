using TraceStore.Query.TraceQl;

namespace TraceStore.Query.Planning;

/// <summary>A search, whichever API asked for it. Within the <see cref="QueryBounds"/>, or it can't be made.</summary>
public sealed record SearchPlan
{
    /// <param name="query">What a span must be for its trace to be found.</param>
    /// <param name="time">When the span must have started; null for any time.</param>
    /// <param name="limit">Traces at most; the newest are taken.</param>
    /// <param name="spansPerSpanset">Matched spans shown per trace at most.</param>
    /// <exception cref="QueryBoundsException">The query asks for too much.</exception>
    /// <exception cref="TraceQlException">It asks for series.</exception>
    public SearchPlan(TraceQlQuery query, TimeRange? time, int limit, int spansPerSpanset)
    {
        Spansets = query.Root as SpansetExpression ?? throw new TraceQlException(query.Root.Position, "a search gives traces, and this query series of numbers").In(query.Text);
        (IsEvaluated, Filter) = Spansets is SpansetFilter spanset && Candidates.IsExact(spanset.Condition) ? (false, spanset.Condition) : (true, (time is null ? null : Candidates.OfEach(Spansets)) ?? Candidates.Of(Spansets)); // within a time, what is found must be
        QueryBounds.Check(Filter);
        if (IsEvaluated) QueryBounds.Check(Spansets);
        (Query, Time, Limit, SpansPerSpanset, Asked) = (query, time, limit, spansPerSpanset, AskedFields.Of(Filter));
    }

    public TraceQlQuery Query { get; }

    /// <summary>What it asks for.</summary>
    public SpansetExpression Spansets { get; }

    /// <summary>Whether the query is tried on each trace that the filter finds, for the filter says less.</summary>
    public bool IsEvaluated { get; }

    /// <summary>What a span of each trace must be; null for any.</summary>
    public FieldExpression? Filter { get; init; }

    public TimeRange? Time { get; init; }

    public int Limit { get; init; }

    public int SpansPerSpanset { get; }

    /// <summary>What is shown of each span that matched.</summary>
    public AskedFields Asked { get; }

    /// <summary>What moreover the whole trace must be: comparisons with fields of the trace.</summary>
    public IReadOnlyList<BinaryExpression> OfTrace { get; init; } = [];

    /// <summary>Whether ClickHouse takes long to make out what is asked, however little there is to read.</summary>
    public bool IsIntricate => QueryBounds.Conditions(Filter) > QueryBounds.ManyConditions;
}

/// <summary>A time range in nanoseconds since 1970, both ends included.</summary>
public sealed record TimeRange(ulong FirstUnixNano, ulong LastUnixNano)
{
    public bool Holds(ulong unixNano) => unixNano >= FirstUnixNano && unixNano <= LastUnixNano;

    /// <summary>What of it is older, or just as old; null for nothing. It never is the same.</summary>
    public TimeRange? Before(ulong unixNano)
    {
        ulong last = unixNano < LastUnixNano ? unixNano : LastUnixNano - 1;
        return unixNano > FirstUnixNano ? this with { LastUnixNano = last } : null;
    }
}
