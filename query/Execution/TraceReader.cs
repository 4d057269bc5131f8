using TraceStore.Query.Planning;
using TraceStore.Query.Sql;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Execution;

/// <summary>Runs the statements of queries and reads their rows. What the rows mean is the assembler's business.</summary>
public sealed class TraceReader(ClickHouseDatabase database) : IDisposable
{
    /// <summary>Spans read for one request at most; a larger trace comes in part, and says so.</summary>
    public const int MaxSpans = 200_000;

    /// <summary>Spans that a search looks at in each trace that it has found, at most; it bounds what one fat trace takes.</summary>
    private const int MaxSummarySpans = 20_000;

    private readonly TraceSql _sql = new(tenant: "");
    private readonly EnvelopeReader _envelopes = new(database, new TraceSql(tenant: ""));

    /// <summary>All spans of the traces.</summary>
    public async Task<SpanRows> ReadAsync(IReadOnlyCollection<TraceId> traces, CancellationToken cancellation)
    {
        var spans = new SpanBatch();
        if (traces.Count == 0) return new SpanRows(spans, new Envelopes(), IsCut: false);
        await database.ReadAsync(_sql.Spans(traces, MaxSpans + 1), SpanColumns.Spans.Bind(spans), cancellation).ConfigureAwait(false);
        return new SpanRows(spans, await _envelopes.ReadAsync(spans, cancellation).ConfigureAwait(false), IsCut: spans.Count > MaxSpans);
    }

    /// <summary>The newest traces with a span that the plan asks for: looked for piece by piece, until there are enough.</summary>
    public async Task<IReadOnlyList<TraceId>> FindAsync(SearchPlan plan, CancellationToken cancellation)
    {
        List<TraceId> traces = [];
        ulong now = (ulong)(DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        foreach (TimeRange window in NewestFirst.Windows(plan.Time, now))
        {
            var ids = new FixedBytesColumn(TraceId.Size);
            await database.ReadAsync(
                _sql.Find(plan with { Time = window }),
                new Dictionary<string, (string, Column)> { ["trace_id"] = ("FixedString(16)", ids), ["newest"] = ("UInt64", new NumberColumn<ulong>()) },
                cancellation).ConfigureAwait(false);
            for (int row = 0; row < ids.Count && traces.Count < plan.Limit; row++)
            {
                var trace = TraceId.Read(ids[row]);
                if (!traces.Contains(trace)) traces.Add(trace); // a newer span of it may have matched before
            }

            if (traces.Count == plan.Limit) break;
        }

        return traces;
    }

    /// <summary>As <see cref="FindAsync"/>, with the found traces' spans from afar.</summary>
    public async Task<SearchRows> SearchAsync(SearchPlan plan, CancellationToken cancellation)
    {
        IReadOnlyList<TraceId> traces = await FindAsync(plan, cancellation).ConfigureAwait(false);
        var spans = new SpanBatch();
        var isMatched = new NumberColumn<byte>();
        if (traces.Count == 0) return new SearchRows(traces, spans, isMatched);

        var columns = SpanColumns.Spans.Bind(spans)
            .Where(column => TraceSql.SummaryColumns.Contains(column.Key))
            .Append(new("matched", ("UInt8", isMatched)))
            .ToDictionary();
        await database.ReadAsync(_sql.Summaries(traces, plan, MaxSummarySpans), columns, cancellation).ConfigureAwait(false);
        return new SearchRows(traces, spans, isMatched);
    }

    /// <summary>The names of all services, in order.</summary>
    public async Task<IReadOnlyList<string>> ServicesAsync(CancellationToken cancellation)
    {
        var services = new DictionaryColumn();
        await database.ReadAsync(
            _sql.Services(),
            new Dictionary<string, (string, Column)> { ["service"] = ("LowCardinality(String)", services) },
            cancellation).ConfigureAwait(false);
        string[] names = new string[services.Count];
        for (int row = 0; row < names.Length; row++) names[row] = System.Text.Encoding.UTF8.GetString(services[row]);
        return names;
    }

    /// <summary>A service's operations, by name and kind.</summary>
    public async Task<IReadOnlyList<Operation>> OperationsAsync(string service, CancellationToken cancellation)
    {
        var names = new DictionaryColumn();
        var kinds = new NumberColumn<int>();
        await database.ReadAsync(
            _sql.Operations(service),
            new Dictionary<string, (string, Column)> { ["name"] = ("LowCardinality(String)", names), ["kind"] = ("Int32", kinds) },
            cancellation).ConfigureAwait(false);
        var operations = new Operation[names.Count];
        for (int row = 0; row < operations.Length; row++) operations[row] = new Operation(System.Text.Encoding.UTF8.GetString(names[row]), kinds[row]);
        return operations;
    }

    /// <summary>Whether ClickHouse answers and has our schema.</summary>
    public Task CheckAsync(CancellationToken cancellation) => database.ReadLinesAsync(new SqlQuery($"SELECT {SpanColumns.Spans.ColumnList} FROM spans LIMIT 0"), cancellation);

    public void Dispose() => _envelopes.Dispose();
}
