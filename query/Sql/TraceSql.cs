using TraceStore.Query.Planning;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Sql;

/// <summary>Every statement that queries run. Pure: text and parameters from plans.</summary>
internal sealed class TraceSql(string tenant)
{
    /// <summary>The columns that tell how a trace looks from afar.</summary>
    public static IReadOnlyList<string> SummaryColumns { get; } =
        ["trace_id", "span_ids", "service", "name", "kind", "start_time_unix_nano", "duration", "status_code"];

    /// <summary>All columns of the traces' spans, <paramref name="maxSpans"/> rows at most.</summary>
    public SqlQuery Spans(IReadOnlyCollection<TraceId> traces, int maxSpans)
    {
        var parameters = new SqlParameters();
        return new SqlQuery(
            $"SELECT {SpanColumns.Spans.ColumnList} FROM spans WHERE tenant = {parameters.Add(tenant)} AND trace_id IN ({List(traces)}) LIMIT {maxSpans} SETTINGS max_threads = 1", // a few granules: more threads only get in each other's way
            parameters.Values);
    }

    /// <summary>The newest traces with a span that the plan asks for: trace_id, newest.</summary>
    public SqlQuery Find(SearchPlan plan)
    {
        var parameters = new SqlParameters();
        return new SqlQuery(
            $"SELECT trace_id, max(start_time_unix_nano) AS newest FROM spans WHERE {Where(plan, parameters)} GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT {plan.Limit}",
            parameters.Values);
    }

    /// <summary>The traces' spans from afar, each with whether the plan asks for it; of a trace at most <paramref name="maxSpans"/>, its roots first.</summary>
    public SqlQuery Summaries(IReadOnlyCollection<TraceId> traces, SearchPlan plan, int maxSpans)
    {
        var parameters = new SqlParameters();
        return new SqlQuery(
            $"SELECT {string.Join(", ", SummaryColumns)}, CAST({Where(plan, parameters)}, 'UInt8') AS matched FROM spans WHERE tenant = {parameters.Add(tenant)} AND trace_id IN ({List(traces)})"
            + $" ORDER BY trace_id, parent_span_id, start_time_unix_nano LIMIT {maxSpans} BY trace_id",
            parameters.Values);
    }

    /// <summary>What the resources or scopes with these hashes are in OTLP: hash, otlp.</summary>
    public SqlQuery EnvelopesOf(string table, IEnumerable<byte[]> hashes)
    {
        var parameters = new SqlParameters();
        string list = string.Join(", ", hashes.Select(hash => $"unhex('{Convert.ToHexString(hash)}')"));
        return new SqlQuery($"SELECT hash, any(otlp) AS otlp FROM {table} WHERE tenant = {parameters.Add(tenant)} AND hash IN ({list}) GROUP BY hash", parameters.Values);
    }

    /// <summary>The names of all services.</summary>
    public SqlQuery Services()
    {
        var parameters = new SqlParameters();
        return new SqlQuery($"SELECT DISTINCT service FROM operations WHERE tenant = {parameters.Add(tenant)} ORDER BY service", parameters.Values);
    }

    /// <summary>A service's span names and kinds: name, kind.</summary>
    public SqlQuery Operations(string service)
    {
        var parameters = new SqlParameters();
        return new SqlQuery(
            $"SELECT DISTINCT name, kind FROM operations WHERE tenant = {parameters.Add(tenant)} AND service = {parameters.Add(service)} ORDER BY name, kind",
            parameters.Values);
    }

    private string Where(SearchPlan plan, SqlParameters parameters)
    {
        List<string> conditions = [$"tenant = {parameters.Add(tenant)}"];
        if (plan.Time is { } time)
        {
            ulong firstBucket = TimeBuckets.StartOf(time.StartUnixNano, TimeBuckets.LongestSeconds);
            ulong lastBucket = TimeBuckets.StartOf(time.EndUnixNano, seconds: 1);
            conditions.Add($"indexHint(time_bucket >= {parameters.Add(firstBucket)} AND time_bucket <= {parameters.Add(lastBucket)})"); // for the sort order: no column is read
            conditions.Add($"start_time_unix_nano >= {parameters.Add(time.StartUnixNano)}");
            conditions.Add($"start_time_unix_nano < {parameters.Add(time.EndUnixNano)}");
        }

        if (plan.Query.Filter is { } filter) conditions.Add(new SpanPredicateSql(parameters, tenant).Write(filter));
        return string.Join(" AND ", conditions);
    }

    /// <summary>IDs stand in the text, not in parameters, so that ClickHouse prunes by them; they are hex digits of ours.</summary>
    private static string List(IEnumerable<TraceId> traces) => string.Join(", ", traces.Select(trace => $"unhex('{trace}')"));
}
