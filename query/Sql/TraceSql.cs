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

    /// <summary>
    /// More threads would only get in each other's way, and the analyzer takes several milliseconds for what ClickHouse's older
    /// one makes out in two.
    /// </summary>
    private const string WhenFewGranules = " SETTINGS max_threads = 1, enable_analyzer = 0";

    /// <summary>Conditions are then all evaluated where they stand: sorting many of them out takes longer than reading does.</summary>
    private const string WhenIntricate = " SETTINGS optimize_move_to_prewhere = 0";

    private const string Stored = "spans";

    /// <summary>What the spans table has as aliases, a table that comes along must have told.</summary>
    private const string RecentAliases =
        "CAST(substring(span_ids, 9, 8), 'FixedString(8)') AS parent_span_id, "
        + "CAST(substring(origin, 1, 16), 'FixedString(16)') AS resource_hash, "
        + "CAST(substring(origin, 17, 16), 'FixedString(16)') AS scope_hash";

    private const string Recent = $"(SELECT *, {RecentAliases} FROM {RecentSpans.Table})";

    /// <summary>The columns that tell how a trace looks from afar.</summary>
    public static IReadOnlyList<string> SummaryColumns { get; } =
        ["trace_id", "span_ids", "service", "name", "kind", "start_time_unix_nano", "duration", "status_code", "origin"];

    /// <summary>Whether more buckets of time than so many hold spans: how many do, or one more than that.</summary>
    public static SqlQuery CountBuckets(int most) =>
        new($"SELECT count() FROM (SELECT DISTINCT time_bucket FROM mergeTreeIndex(currentDatabase(), '{Stored}') LIMIT {most + 1})");

    /// <summary>The days and buckets of time that the traces' stored spans lie in, and perhaps others: toUInt16(received_day), time_bucket.</summary>
    public SqlQuery BucketsOf(IReadOnlyCollection<TraceId> traces, int most)
    {
        var parameters = new SqlParameters();
        return new SqlQuery(
            $"SELECT DISTINCT toUInt16(received_day), time_bucket FROM trace_buckets WHERE tenant = {parameters.Add(tenant)} AND trace_hash IN ({string.Join(", ", traces.Select(TraceBucketBatch.HashOf))}) LIMIT {most}{WhenFewGranules}",
            parameters.Values);
    }

    /// <summary>All that was sent of the traces' spans and is stored.</summary>
    /// <param name="traces">Which traces.</param>
    /// <param name="maxSpans">Rows at most.</param>
    /// <param name="places">Where they lie; null for anywhere.</param>
    /// <param name="except">Segments that are left out; null for none.</param>
    public SqlQuery Spans(IReadOnlyCollection<TraceId> traces, int maxSpans, TracePlaces? places = null, SegmentRange? except = null)
    {
        var parameters = new SqlParameters();
        string where = $"tenant = {parameters.Add(tenant)} AND {In(places)}{Of(traces)}";
        if (except is not null) where += $" AND {OutOf(except, parameters)}";
        return new SqlQuery(
            $"SELECT {SpanColumns.Spans.AnswerColumnList} FROM spans WHERE {where} LIMIT {maxSpans}{WhenFewGranules}",
            parameters.Values);
    }

    /// <summary>The newest traces with a stored span that the plan asks for: trace_id, newest.</summary>
    /// <param name="plan">What is searched for.</param>
    /// <param name="resources">Of which resources its comparisons hold.</param>
    /// <param name="withRecent">Whether a trace's recent spans count for what it is as a whole.</param>
    public SqlQuery Find(SearchPlan plan, ResourceMatches? resources = null, bool withRecent = false) => Find(plan, resources, Stored, withRecent);

    /// <summary>As <see cref="Find(SearchPlan, ResourceMatches, bool)"/>, of recent spans.</summary>
    public SqlQuery FindRecent(SearchPlan plan, ResourceMatches? resources = null) => Find(plan, resources, Recent, withRecent: true);

    /// <summary>
    /// The traces' spans from afar, each with whether the plan asks for it; of a trace at most <paramref name="maxSpans"/>,
    /// its roots first.
    /// </summary>
    /// <param name="traces">Which traces.</param>
    /// <param name="plan">What was searched for.</param>
    /// <param name="maxSpans">Of each trace at most.</param>
    /// <param name="withContent">Whether each row comes with a hash of all it holds.</param>
    /// <param name="resources">Of which resources its comparisons hold.</param>
    /// <param name="places">Where what is stored of the traces lies; null for anywhere.</param>
    /// <param name="recent">Segments whose spans are recent, of which the statement brings those of the traces along; null where they have none.</param>
    public SqlQuery Summaries(
        IReadOnlyCollection<TraceId> traces,
        SearchPlan plan,
        int maxSpans,
        bool withContent = false,
        ResourceMatches? resources = null,
        TracePlaces? places = null,
        SegmentRange? recent = null)
    {
        var parameters = new SqlParameters();
        string matched = Where(plan, resources, parameters);
        string asked = string.Concat(plan.Asked.Attributes.Select((field, number) => $", {AskedAttributeSql.Write(field.Name, parameters)} AS {AskedAttributeSql.Column(number)}"));
        string select = $"SELECT {string.Join(", ", SummaryColumns)}, CAST({matched}, 'UInt8') AS matched{asked}{(withContent ? $", {Content} AS content" : "")}";
        string stored = recent is null ? In(places) : In(places) + OutOf(recent, parameters);
        (string source, string where) = recent is null ? (Stored, stored) : (All(select, stored), "");
        return new SqlQuery(
            $"{select} FROM {source} WHERE tenant = {parameters.Add(tenant)} AND {where}{Of(traces)}"
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

    private SqlQuery Find(SearchPlan plan, ResourceMatches? resources, string source, bool withRecent)
    {
        var parameters = new SqlParameters();
        string where = Where(plan, resources, parameters);
        string ofTrace = plan.OfTrace.Count == 0 ? "" : WhereTrace(plan, $"SELECT trace_id FROM {source} WHERE {where}", withRecent, parameters);
        return new SqlQuery(
            $"SELECT trace_id, max(start_time_unix_nano) AS newest FROM {source} WHERE {where}{ofTrace} GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT {plan.Limit}"
            + (plan.IsIntricate ? WhenIntricate : ""),
            parameters.Values);
    }

    /// <summary>The condition on a span that it is the tenant's, started in the time and meets the filter.</summary>
    public string Where(FieldExpression? filter, TimeRange? within, ResourceMatches? resources, SqlParameters parameters)
    {
        List<string> conditions = [$"tenant = {parameters.Add(tenant)}"];
        if (within is { } time)
        {
            ulong firstBucket = TimeBuckets.StartOf(time.FirstUnixNano, TimeBuckets.LongestSeconds);
            ulong lastBucket = TimeBuckets.StartOf(time.LastUnixNano, seconds: 1);
            conditions.Add($"indexHint(time_bucket >= {parameters.Add(firstBucket)} AND time_bucket <= {parameters.Add(lastBucket)})"); // for the sort order: no column is read
            conditions.Add($"start_time_unix_nano >= {parameters.Add(time.FirstUnixNano)}");
            conditions.Add($"start_time_unix_nano <= {parameters.Add(time.LastUnixNano)}");
        }

        if (filter is not null) conditions.Add(new SpanPredicateSql(parameters, tenant, resources).Write(filter));
        return string.Join(" AND ", conditions);
    }

    private string Where(SearchPlan plan, ResourceMatches? resources, SqlParameters parameters) => Where(plan.Filter, plan.Time, resources, parameters);

    /// <summary>Of the traces with a span that is asked for, those that are so as a whole. A span that is met twice makes no difference.</summary>
    private string WhereTrace(SearchPlan plan, string found, bool withRecent, SqlParameters parameters)
    {
        string having = string.Join(" AND ", plan.OfTrace.Select(comparison => TracePredicateSql.Write(comparison, parameters)));
        string source = withRecent ? All(having) : Stored;
        return $" AND trace_id IN (SELECT trace_id FROM {source} WHERE tenant = {parameters.Add(tenant)} AND trace_id IN ({found}) GROUP BY trace_id HAVING {having})";
    }

    /// <summary>Recent spans and stored ones, in the columns that an expression names.</summary>
    private static string All(string expression, string whereStored = "true")
    {
        string columns = SpanColumns.Spans.NamedIn($"tenant trace_id {expression}").ColumnList;
        return $"(SELECT {columns}, {RecentAliases} FROM {RecentSpans.Table} UNION ALL SELECT {columns}, parent_span_id, resource_hash, scope_hash FROM spans WHERE {whereStored})";
    }

    private static string OutOf(SegmentRange segments, SqlParameters parameters) => $"NOT ({segments.ToSql(parameters)})";

    /// <summary>For the partitions and the sort order: no column is read.</summary>
    private static string In(TracePlaces? places) => places switch
    {
        null => "",
        { IsNowhere: true } => "false AND ",
        _ => $"indexHint(received_day IN ({string.Join(", ", places.ReceivedDays.Select(day => $"toDate({day})"))}) AND time_bucket IN ({string.Join(", ", places.TimeBuckets)})) AND ",
    };

    /// <summary>
    /// IDs stand in the text, not in parameters, so that ClickHouse prunes by them; they are hex digits of ours. One is found
    /// a tenth sooner by = than by IN.
    /// </summary>
    private static string Of(IReadOnlyCollection<TraceId> traces) =>
        traces.Count == 1 ? $"trace_id = {Literal(traces.Single())}" : $"trace_id IN ({string.Join(", ", traces.Select(Literal))})";

    private static string Literal(TraceId trace) => $"x'{trace}'";
}
