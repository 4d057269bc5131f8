using System.Globalization;
using TraceStore.Query.Evaluation;
using TraceStore.Query.Planning;
using TraceStore.Query.Sql;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Execution;

/// <summary>Runs the statements of queries and reads their rows. What the rows mean is the assembler's business.</summary>
public sealed class TraceReader : IDisposable
{
    /// <summary>Spans read for one request at most; a larger trace comes in part, and says so.</summary>
    public const int MaxSpans = SpanReader.MaxSpans;

    private readonly TraceSql _sql = new(tenant: "");
    private readonly ClickHouseDatabase _database;
    private readonly QueryGate _gate;
    private readonly Func<string?> _missing;
    private readonly SpanReader _spans;
    private readonly EnvelopeReader _envelopes;
    private readonly TraceSearch _search;
    private readonly EvaluatedSearch _evaluated;

    /// <param name="database">What is stored.</param>
    /// <param name="recent">What isn't yet.</param>
    /// <param name="gate">Lets so many queries run at once.</param>
    /// <param name="missing">Says why spans may be missing that were stored once; null when none are.</param>
    public TraceReader(ClickHouseDatabase database, RecentSpans recent, QueryGate gate, Func<string?>? missing = null)
    {
        (_database, _gate, _missing) = (database, gate, missing ?? (() => null));
        var locator = new TraceLocator(database, _sql);
        _envelopes = new EnvelopeReader(database, _sql);
        _spans = new SpanReader(database, recent, _sql, locator);
        _search = new TraceSearch(database, recent, _sql, locator, _envelopes);
        Tags = new TagReader(database, gate, new TagSql(tenant: "", _sql));
        _evaluated = new EvaluatedSearch(new CandidateReader(_search, _spans, _envelopes, gate.Options));
    }

    /// <summary>Lists of tags and of their values.</summary>
    public TagReader Tags { get; }

    /// <summary>All spans of the traces. Whoever has shown them disposes of them.</summary>
    public async Task<SpanRows> ReadAsync(IReadOnlyCollection<TraceId> traces, CancellationToken cancellation)
    {
        QueryGate.Turn turn = await _gate.LookUpAsync(cancellation).ConfigureAwait(false);
        SpanBatch? spans = null;
        try
        {
            spans = traces.Count == 0 ? new SpanBatch() : await turn.ReadAsync(noteRead => _spans.ReadAsync(traces, noteRead, cancellation), cancellation).ConfigureAwait(false);
            return new SpanRows(spans, await _envelopes.ReadAsync(spans, cancellation).ConfigureAwait(false), IsCut: spans.Count > MaxSpans, turn, _missing());
        }
        catch
        {
            spans?.Clear();
            turn.Dispose();
            throw;
        }
    }

    /// <summary>The newest traces with a span that the plan asks for.</summary>
    /// <exception cref="TraceQlException">The plan has no meaning, or a regular expression in it is none.</exception>
    public Task<IReadOnlyList<TraceId>> FindAsync(SearchPlan plan, CancellationToken cancellation) =>
        SearchAsync(
            plan.Query,
            async _ => plan.IsEvaluated
                ? (await _evaluated.SearchAsync(plan, found => found.Trace.Trace.Id, cancellation).ConfigureAwait(false)).All
                : await _search.FindAsync(plan, cancellation).ConfigureAwait(false),
            cancellation);

    /// <summary>The newest traces that a query finds something in, and what.</summary>
    /// <param name="plan">What is searched for.</param>
    /// <param name="keep">Takes of a trace what is needed of it.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="TraceQlException">A regular expression in it is none.</exception>
    /// <exception cref="SearchTooWideException">It has read as much as a search may, and nothing was found.</exception>
    public Task<Found<T>> EvaluateAsync<T>(SearchPlan plan, Func<FoundTrace, T> keep, CancellationToken cancellation) => SearchAsync(plan.Query, _ => _evaluated.SearchAsync(plan, keep, cancellation), cancellation);

    /// <summary>The series that a query asks for; of the newest traces where there is more than a query may read.</summary>
    /// <exception cref="TraceQlException">A regular expression in it is none.</exception>
    public Task<Found<Series>> MeasureAsync(MetricsPlan plan, CancellationToken cancellation) => SearchAsync(plan.Query, _ => _evaluated.MeasureAsync(plan, cancellation), cancellation);

    /// <summary>As <see cref="FindAsync"/>, with the found traces' spans from afar.</summary>
    /// <exception cref="TraceQlException">The plan has no meaning, or a regular expression in it is none.</exception>
    public Task<SearchRows> SearchAsync(SearchPlan plan, CancellationToken cancellation) => SearchAsync(plan.Query, turn => _search.SearchAsync(plan, turn, cancellation), cancellation);

    /// <summary>The names of all services, in order.</summary>
    public async Task<IReadOnlyList<string>> ServicesAsync(CancellationToken cancellation)
    {
        using QueryGate.Turn turn = await _gate.LookUpAsync(cancellation).ConfigureAwait(false);
        DictionaryColumn services = (await ReadAsync<OperationBatch>(turn, _sql.Services(), SpanColumns.Operations.Bind, cancellation).ConfigureAwait(false)).Service;
        string[] names = new string[services.Count];
        for (int row = 0; row < names.Length; row++) names[row] = System.Text.Encoding.UTF8.GetString(services[row]);
        return names;
    }

    /// <summary>A service's operations, by name and kind.</summary>
    public async Task<IReadOnlyList<Operation>> OperationsAsync(string service, CancellationToken cancellation)
    {
        QueryBounds.Check(service);
        using QueryGate.Turn turn = await _gate.LookUpAsync(cancellation).ConfigureAwait(false);
        OperationBatch rows = await ReadAsync<OperationBatch>(turn, _sql.Operations(service), SpanColumns.Operations.Bind, cancellation).ConfigureAwait(false);
        var operations = new Operation[rows.Name.Count];
        for (int row = 0; row < operations.Length; row++) operations[row] = new Operation(System.Text.Encoding.UTF8.GetString(rows.Name[row]), rows.Kind[row]);
        return operations;
    }

    /// <summary>Whether ClickHouse answers, has our schema and can read what is stored.</summary>
    /// <exception cref="ClickHouseUnavailableException">Not now.</exception>
    public async Task CheckAsync(CancellationToken cancellation)
    {
        var sql = new SqlQuery($"SELECT max(number), (SELECT count() FROM (SELECT {SpanColumns.Spans.ColumnList} FROM spans LIMIT 1)) FROM schema_migrations");
        string schema = (await _database.ReadLinesAsync(sql, cancellation).ConfigureAwait(false)).Single().Split('\t')[0];
        if (int.Parse(schema, CultureInfo.InvariantCulture) >= SchemaMigration.All[^1].Number) return;
        throw new ClickHouseUnavailableException("The tables are being brought up to date.", new InvalidDataException($"schema {schema}")) { IsSchemaBehind = true };
    }

    public void Dispose() => _envelopes.Dispose();

    /// <summary>Takes a turn; what is wrong with a query is told with its place in it.</summary>
    private async Task<T> SearchAsync<T>(TraceQlQuery query, Func<QueryGate.Turn, Task<T>> search, CancellationToken cancellation)
    {
        using QueryGate.Turn turn = await _gate.SearchAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await search(turn).ConfigureAwait(false);
        }
        catch (TraceQlException e)
        {
            throw e.In(query.Text);
        }
    }

    private Task<TBatch> ReadAsync<TBatch>(
        QueryGate.Turn turn, SqlQuery query, Func<TBatch, IReadOnlyDictionary<string, (string Type, Column Column)>> bind, CancellationToken cancellation)
        where TBatch : new() =>
        turn.ReadAsync(
            async noteRead =>
            {
                var rows = new TBatch();
                await _database.ReadAsync(query, bind(rows), noteRead, cancellation).ConfigureAwait(false);
                return rows;
            },
            cancellation);
}
