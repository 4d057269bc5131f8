using System.Runtime.CompilerServices;
using TraceStore.Query.Assembly;
using TraceStore.Query.Planning;
using TraceStore.Query.Sql;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Execution;

/// <summary>
/// Searches.
/// <list type="number">
/// <item>See that the query's regular expressions are some, before anything is read.</item>
/// <item>See of which resources its comparisons hold: mostly of few or none, which needn't be asked again.</item>
/// <item>Look for traces piece by piece (<see cref="NewestFirst"/>), until there are enough.</item>
/// <item>Read the found traces' spans from afar.</item>
/// </list>
/// </summary>
internal sealed class TraceSearch(ClickHouseDatabase database, RecentSpans recent, TraceSql sql, TraceLocator locator, EnvelopeReader envelopes)
{
    /// <summary>Spans that a search looks at in each trace that it has found, at most; it bounds what one fat trace takes.</summary>
    private const int MaxSummarySpans = 20_000;

    /// <summary>More than are ever recent.</summary>
    private const int MaxRecent = 1_000_000;

    private const int CandidatesAtOnce = 200;

    /// <summary>The newest traces with a span that the plan asks for.</summary>
    public async Task<IReadOnlyList<TraceId>> FindAsync(SearchPlan plan, CancellationToken cancellation)
    {
        await CheckRegularExpressionsAsync(plan, cancellation).ConfigureAwait(false); // 1
        ResourceMatches resources = await MatchResourcesAsync(plan, cancellation).ConfigureAwait(false); // 2
        return await FindAsync(plan, resources, cancellation).ConfigureAwait(false); // 3
    }

    /// <summary>All traces with a span that the plan's filter finds, newest first, for as long as somebody asks.</summary>
    public async IAsyncEnumerable<TraceId> CandidatesAsync(SearchPlan plan, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await CheckRegularExpressionsAsync(plan, cancellation).ConfigureAwait(false); // 1
        ResourceMatches resources = await MatchResourcesAsync(plan, cancellation).ConfigureAwait(false); // 2
        await foreach (TraceId trace in TracesAsync(plan, CandidatesAtOnce, resources, cancellation).ConfigureAwait(false)) yield return trace; // 3
    }

    /// <summary>As <see cref="FindAsync(SearchPlan, CancellationToken)"/>, with the found traces' spans from afar.</summary>
    public async Task<SearchRows> SearchAsync(SearchPlan plan, QueryGate.Turn turn, CancellationToken cancellation)
    {
        await CheckRegularExpressionsAsync(plan, cancellation).ConfigureAwait(false); // 1
        ResourceMatches resources = await MatchResourcesAsync(plan, cancellation).ConfigureAwait(false); // 2
        IReadOnlyList<TraceId> traces = await FindAsync(plan, resources, cancellation).ConfigureAwait(false); // 3
        if (traces.Count == 0) return new SearchRows(traces, new SpanBatch(), new NumberColumn<byte>(), [], new Envelopes(), null);

        SearchRows rows = await turn.ReadAsync(noteRead => ReadAsync(withContent: false, noteRead), cancellation).ConfigureAwait(false); // 4
        if (rows.HasEqualIds())
        {
            rows.Dispose();
            rows = await turn.ReadAsync(noteRead => ReadAsync(withContent: true, noteRead), cancellation).ConfigureAwait(false);
        }

        bool looksIntoResources = plan.Asked.Attributes.Any(field => field.Scope != AttributeScope.Span);
        return looksIntoResources ? rows with { Envelopes = await envelopes.ReadAsync(rows.Spans, cancellation).ConfigureAwait(false) } : rows;

        async Task<SearchRows> ReadAsync(bool withContent, Action<int> noteRead)
        {
            var spans = new SpanBatch();
            var isMatched = new NumberColumn<byte>();
            NumberColumn<ulong>? content = withContent ? new NumberColumn<ulong>() : null;
            var columns = SpanColumns.Spans.Bind(spans)
                .Where(column => TraceSql.SummaryColumns.Contains(column.Key))
                .Append(new("matched", ("UInt8", isMatched)))
                .ToDictionary();
            BytesColumn[] asked = [.. plan.Asked.Attributes.Select(_ => new BytesColumn())];
            for (int number = 0; number < asked.Length; number++) columns.Add(AskedAttributeSql.Column(number), ("String", asked[number]));
            if (content is not null) columns.Add("content", ("UInt64", content));
            await database.ReadAsync(await SummariesAsync(withContent).ConfigureAwait(false), columns, noteRead, cancellation).ConfigureAwait(false);
            return new SearchRows(traces, spans, isMatched, asked, new Envelopes(), content);
        }

        async Task<SqlQuery> SummariesAsync(bool withContent)
        {
            var copy = new SpanBatch();
            SegmentRange? segments = recent.Copy(traces, copy);
            TracePlaces? places = await locator.FindAsync(traces, cancellation).ConfigureAwait(false);
            SqlQuery statement = sql.Summaries(traces, plan, MaxSummarySpans, withContent, resources, places, segments);
            return segments is null ? statement : statement with { With = ExternalTable.Of(RecentSpans.Table, SpanColumns.Spans, copy, statement.Text) };
        }
    }

    private async Task CheckRegularExpressionsAsync(SearchPlan plan, CancellationToken cancellation)
    {
        foreach (BinaryExpression comparison in QueryBounds.Comparisons(plan.Filter))
        {
            if (comparison is not { Operator: BinaryOperator.Matches or BinaryOperator.NotMatches, Right: Literal { Value: string pattern } literal }) continue;
            if (RegularExpression.SplitsCharacters(pattern)) throw NoRegularExpression(literal, pattern);
            try
            {
                await database.ReadLinesAsync(TraceSql.TryRegularExpression(pattern), cancellation).ConfigureAwait(false);
            }
            catch (ClickHouseRefusedException)
            {
                throw NoRegularExpression(literal, pattern);
            }
        }
    }

    private static TraceQlException NoRegularExpression(Literal literal, string pattern)
    {
        const int most = 100;
        string shown = pattern.Length <= most ? pattern : pattern[..most] + "…";
        return new TraceQlException(literal.Position, $"'{shown}' is no regular expression (in Go's dialect, RE2)");
    }

    private async Task<ResourceMatches> MatchResourcesAsync(SearchPlan plan, CancellationToken cancellation)
    {
        BinaryExpression[] comparisons = [.. QueryBounds.Comparisons(plan.Filter).Where(SpanPredicateSql.LooksIntoResources).Distinct()];
        if (comparisons.Length == 0) return ResourceMatches.None;
        string line = (await database.ReadLinesAsync(sql.ResourceMatches(comparisons), cancellation).ConfigureAwait(false)).SingleOrDefault("");
        return new ResourceMatches(comparisons.Zip(line.Split(',')).ToDictionary());
    }

    private async Task<IReadOnlyList<TraceId>> FindAsync(SearchPlan plan, ResourceMatches resources, CancellationToken cancellation) =>
        await TracesAsync(plan, plan.Limit, resources, cancellation).Take(plan.Limit).ToListAsync(cancellation).ConfigureAwait(false);

    /// <summary>All traces with a span that the plan asks for, newest first; so many are asked for at once.</summary>
    private async IAsyncEnumerable<TraceId> TracesAsync(SearchPlan plan, int page, ResourceMatches resources, [EnumeratorCancellation] CancellationToken cancellation)
    {
        // What is recent first: until the pieces are read it may be stored, but not the other way round
        SqlQuery ofRecent = sql.FindRecent(plan with { Limit = MaxRecent }, resources);
        ExternalTable? table = recent.Copy(ofRecent.Text);
        IReadOnlyList<NewestSpan> newest = table is null ? [] : await ReadFoundAsync(ofRecent with { With = table }, cancellation).ConfigureAwait(false);
        HashSet<TraceId> found = [];
        ulong now = (ulong)(DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        foreach (TimeRange window in NewestFirst.Windows(plan.Time, now, plan.IsIntricate))
        {
            for (TimeRange? rest = window; rest is not null;)
            {
                IReadOnlyList<NewestSpan> stored = await ReadFoundAsync(Find(plan with { Time = rest, Limit = page }, resources), cancellation).ConfigureAwait(false);
                TimeRange? older = stored.Count < page ? null : rest.Before(stored[^1].UnixNano);
                IEnumerable<NewestSpan> both = stored.Concat(newest.Where(span => rest.Holds(span.UnixNano) && older?.Holds(span.UnixNano) != true)).OrderByDescending(span => span.UnixNano);
                foreach (NewestSpan span in both)
                {
                    if (found.Add(span.Trace)) yield return span.Trace; // a newer span of it may have matched before
                }

                rest = older;
            }
        }
    }

    private SqlQuery Find(SearchPlan plan, ResourceMatches resources)
    {
        if (plan.OfTrace.Count == 0) return sql.Find(plan, resources);
        SqlQuery withRecent = sql.Find(plan, resources, withRecent: true);
        return recent.Copy(withRecent.Text) is { } table ? withRecent with { With = table } : sql.Find(plan, resources);
    }

    private async Task<IReadOnlyList<NewestSpan>> ReadFoundAsync(SqlQuery query, CancellationToken cancellation)
    {
        var ids = new FixedBytesColumn(TraceId.Size);
        var newest = new NumberColumn<ulong>();
        await database.ReadAsync(
            query,
            new Dictionary<string, (string, Column)> { ["trace_id"] = ("FixedString(16)", ids), ["newest"] = ("UInt64", newest) },
            noteRead: null,
            cancellation).ConfigureAwait(false);
        return [.. Enumerable.Range(0, ids.Count).Select(row => new NewestSpan(TraceId.Read(ids[row]), newest[row]))];
    }

    /// <summary>A trace with a span that is asked for, and when the newest of these started.</summary>
    private readonly record struct NewestSpan(TraceId Trace, ulong UnixNano);
}
