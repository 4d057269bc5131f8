using System.Globalization;
using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Sql;

/// <summary>Every statement that queries run. Pure: text and parameters from plans.</summary>
internal sealed class TraceSql(string tenant)
{
    /// <summary>
    /// A hash of all that OTLP carried in a row. A string lies in one map or the other, which says nothing: so they are
    /// taken together, by key.
    /// </summary>
    private const string Content =
        "sipHash64(span_ids, flags, name, kind, start_time_unix_nano, duration, status_code, status_message, origin, remainder, "
        + "arraySort(arrayConcat(arrayMap((k, v) -> (toString(k), toString(v)), mapKeys(common_string_attributes), mapValues(common_string_attributes)), "
        + "arrayMap((k, v) -> (toString(k), toString(v)), mapKeys(string_attributes), mapValues(string_attributes)))), "
        + "mapKeys(bool_attributes), mapValues(bool_attributes), mapKeys(int_attributes), mapValues(int_attributes), mapKeys(double_attributes), mapValues(double_attributes))";

    /// <summary>Conditions are then all evaluated where they stand: sorting many of them out takes longer than reading does.</summary>
    private const string WhenIntricate = " SETTINGS optimize_move_to_prewhere = 0";

    /// <summary>The columns that tell how a trace looks from afar.</summary>
    public static IReadOnlyList<string> SummaryColumns { get; } =
        ["trace_id", "span_ids", "service", "name", "kind", "start_time_unix_nano", "duration", "status_code", "origin"];

    /// <summary>All that was sent of the traces' spans, <paramref name="maxSpans"/> rows at most.</summary>
    public SqlQuery Spans(IReadOnlyCollection<TraceId> traces, int maxSpans)
    {
        var parameters = new SqlParameters();
        return new SqlQuery(
            $"SELECT {SpanColumns.Spans.AnswerColumnList} FROM spans WHERE tenant = {parameters.Add(tenant)} AND trace_id IN ({List(traces)}) LIMIT {maxSpans} SETTINGS max_threads = 1", // a few granules: more threads only get in each other's way
            parameters.Values);
    }

    /// <summary>The newest traces with a span that the plan asks for: trace_id, newest.</summary>
    public SqlQuery Find(SearchPlan plan, ResourceMatches? resources = null)
    {
        var parameters = new SqlParameters();
        string where = Where(plan, resources, parameters);
        return new SqlQuery(
            $"SELECT trace_id, max(start_time_unix_nano) AS newest FROM spans WHERE {where}{WhereTrace(plan, where, parameters)} GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT {plan.Limit}"
            + (plan.IsIntricate ? WhenIntricate : ""),
            parameters.Values);
    }

    /// <summary>
    /// The traces' spans from afar, each with whether the plan asks for it; of a trace at most <paramref name="maxSpans"/>,
    /// its roots first.
    /// </summary>
    /// <param name="traces">Which traces.</param>
    /// <param name="plan">What was searched for.</param>
    /// <param name="maxSpans">Of each trace at most.</param>
    /// <param name="withContent">Whether each row comes with a hash of all it holds.</param>
    /// <param name="resources">Of which resources its comparisons hold.</param>
    public SqlQuery Summaries(IReadOnlyCollection<TraceId> traces, SearchPlan plan, int maxSpans, bool withContent = false, ResourceMatches? resources = null)
    {
        var parameters = new SqlParameters();
        string matched = Where(plan, resources, parameters);
        string asked = string.Concat(plan.Asked.Attributes.Select((field, number) => $", {AskedAttributeSql.Write(field.Name, parameters)} AS {AskedAttributeSql.Column(number)}"));
        return new SqlQuery(
            $"SELECT {string.Join(", ", SummaryColumns)}, CAST({matched}, 'UInt8') AS matched{asked}{(withContent ? $", {Content} AS content" : "")}"
            + $" FROM spans WHERE tenant = {parameters.Add(tenant)} AND trace_id IN ({List(traces)})"
            + $" ORDER BY trace_id, parent_span_id, start_time_unix_nano LIMIT {maxSpans} BY trace_id{(plan.IsIntricate ? WhenIntricate : "")}",
            parameters.Values);
    }

    /// <summary>For each comparison the hashes of the resources of which it holds, in hex, one more than are named at most: one line, with commas between.</summary>
    public SqlQuery ResourceMatches(IReadOnlyCollection<BinaryExpression> comparisons)
    {
        var parameters = new SqlParameters();
        var predicate = new SpanPredicateSql(parameters, tenant);
        string most = (Sql.ResourceMatches.MostNamed(comparisons.Count) + 1).ToString(CultureInfo.InvariantCulture);
        IEnumerable<string> hashes = comparisons.Select(comparison => $"arrayStringConcat(arrayMap(one -> hex(one), groupUniqArrayIf({most})(hash, {predicate.WriteOfResource(comparison)})))");
        return new SqlQuery($"SELECT concat({string.Join(", ',', ", hashes)}, '') FROM resources WHERE tenant = {parameters.Add(tenant)}", parameters.Values);
    }

    /// <summary>Fails where a pattern isn't a regular expression, by itself or as it is used. (match() takes some that are none.)</summary>
    public static SqlQuery TryRegularExpression(string pattern)
    {
        var parameters = new SqlParameters();
        return new SqlQuery($"SELECT concat(replaceRegexpOne('', {parameters.Add(pattern)}, ''), replaceRegexpOne('', {parameters.Add(RegularExpression.Whole(pattern))}, ''))", parameters.Values);
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
            $"SELECT DISTINCT name, kind FROM operations WHERE tenant = {parameters.Add(tenant)} AND {TextSql.CompareListed(parameters, "service", "=", service)} ORDER BY name, kind",
            parameters.Values);
    }

    private string Where(SearchPlan plan, ResourceMatches? resources, SqlParameters parameters)
    {
        List<string> conditions = [$"tenant = {parameters.Add(tenant)}"];
        if (plan.Time is { } time)
        {
            ulong firstBucket = TimeBuckets.StartOf(time.FirstUnixNano, TimeBuckets.LongestSeconds);
            ulong lastBucket = TimeBuckets.StartOf(time.LastUnixNano, seconds: 1);
            conditions.Add($"indexHint(time_bucket >= {parameters.Add(firstBucket)} AND time_bucket <= {parameters.Add(lastBucket)})"); // for the sort order: no column is read
            conditions.Add($"start_time_unix_nano >= {parameters.Add(time.FirstUnixNano)}");
            conditions.Add($"start_time_unix_nano <= {parameters.Add(time.LastUnixNano)}");
        }

        if (plan.Query.Filter is { } filter) conditions.Add(new SpanPredicateSql(parameters, tenant, resources).Write(filter));
        return string.Join(" AND ", conditions);
    }

    /// <summary>Of the traces with a span that is asked for, those that are so as a whole.</summary>
    private string WhereTrace(SearchPlan plan, string where, SqlParameters parameters)
    {
        if (plan.OfTrace.Count == 0) return "";
        string having = string.Join(" AND ", plan.OfTrace.Select(comparison => TracePredicateSql.Write(comparison, parameters)));
        return $" AND trace_id IN (SELECT trace_id FROM spans WHERE tenant = {parameters.Add(tenant)} AND trace_id IN (SELECT trace_id FROM spans WHERE {where}) GROUP BY trace_id HAVING {having})";
    }

    /// <summary>IDs stand in the text, not in parameters, so that ClickHouse prunes by them; they are hex digits of ours.</summary>
    private static string List(IEnumerable<TraceId> traces) => string.Join(", ", traces.Select(trace => $"unhex('{trace}')"));
}
