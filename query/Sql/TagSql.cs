using System.Globalization;
using TraceStore.Query.Planning;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Otlp;

namespace TraceStore.Query.Sql;

/// <summary>
/// The statements that list tags and their values. Pure. Without a filter they read the lists that are kept by the day of
/// receipt; with one, the spans that meet it, for a while and then no further. Recent spans aren't in them yet.
/// </summary>
internal sealed class TagSql(string tenant, TraceSql spans)
{
    /// <summary>The lists that are kept and belong to no attribute.</summary>
    public const string Intrinsics = "intrinsic";

    private const ulong NanosecondsPerDay = 86_400_000_000_000;

    /// <summary>What was read until then is the answer: a menu that comes late is of no use.</summary>
    private const string ForAWhile = " SETTINGS max_execution_time = 5, timeout_overflow_mode = 'break'";

    private static readonly (string Column, string Type)[] s_maps = [("string_attributes", "string"), ("bool_attributes", "bool"), ("int_attributes", "int"), ("double_attributes", "float")];
    private static readonly (string Column, string Type)[] s_spanMaps = [("common_string_attributes", "string"), .. s_maps];

    /// <summary>The names of a scope's attributes: name.</summary>
    public SqlQuery Names(AttributeScope scope, TagsPlan plan)
    {
        var parameters = new SqlParameters();
        string names = scope switch
        {
            AttributeScope.Resource => $"SELECT DISTINCT {KeysOf(s_maps)} AS tag FROM {Envelopes("resources", "resource_hash", plan, parameters)}",
            AttributeScope.Instrumentation => $"SELECT DISTINCT {KeysOf(s_maps)} AS tag FROM {Envelopes("scopes", "scope_hash", plan, parameters)}",
            AttributeScope.Span when plan.Filter is not null => $"SELECT DISTINCT {KeysOf(s_spanMaps)} AS tag FROM spans WHERE {Where(plan, parameters)}",
            _ => $"SELECT DISTINCT name AS tag FROM attribute_values WHERE {Kept(NameOf(scope), plan, parameters)}",
        };
        return new SqlQuery($"SELECT CAST(tag, 'String') AS name FROM ({names}) ORDER BY name LIMIT {Most(plan)}{ForAWhile}", parameters.Values);
    }

    /// <summary>The values of a field: type, value. Null where it has too many to be listed, or none that help.</summary>
    public SqlQuery? Values(FieldExpression field, TagsPlan plan) => field switch
    {
        AttributeField { Scope: AttributeScope.Resource, Name: var name } => ValuesOf(name, s_maps, parameters => Envelopes("resources", "resource_hash", plan, parameters), plan),
        AttributeField { Scope: AttributeScope.Instrumentation, Name: var name } => ValuesOf(name, s_maps, parameters => Envelopes("scopes", "scope_hash", plan, parameters), plan),
        AttributeField { Scope: AttributeScope.Span, Name: var name } when plan.Filter is not null => ValuesOf(name, s_spanMaps, parameters => $"spans WHERE {Where(plan, parameters)}", plan),
        AttributeField { Name: var name } attribute => Listed(NameOf(attribute.Scope), name, plan),
        IntrinsicField { Intrinsic: Intrinsic.Name or Intrinsic.RootName } => Column("name", plan.Filter is null ? "operations" : "spans", plan),
        IntrinsicField { Intrinsic: Intrinsic.RootService } => Column("service", plan.Filter is null ? "operations" : "spans", plan),
        IntrinsicField { Intrinsic: Intrinsic.StatusMessage } when plan.Filter is not null => Column("status_message", "spans", plan),
        IntrinsicField { Intrinsic: Intrinsic.StatusMessage } => Listed(Intrinsics, "statusMessage", plan),
        IntrinsicField { Intrinsic: Intrinsic.EventName } => Listed(Intrinsics, "event:name", plan),
        IntrinsicField { Intrinsic: Intrinsic.ScopeName } => OfScopes("name", plan),
        IntrinsicField { Intrinsic: Intrinsic.ScopeVersion } => OfScopes("version", plan),
        _ => null,
    };

    private static SqlQuery ValuesOf(string name, (string Column, string Type)[] maps, Func<SqlParameters, string> from, TagsPlan plan)
    {
        var parameters = new SqlParameters();
        string key = parameters.Add(name);
        IEnumerable<string> values = maps.Select(map => $"if(mapContains({map.Column}, {key}), [('{map.Type}', toString({map.Column}[{key}]))], [])");
        string pairs = $"SELECT DISTINCT arrayJoin(arrayConcat({string.Join(", ", values)})) AS pair FROM {from(parameters)}";
        return Pairs($"SELECT pair.1 AS of, pair.2 AS one FROM ({pairs})", plan, parameters);
    }

    private SqlQuery Listed(string scope, string name, TagsPlan plan)
    {
        var parameters = new SqlParameters();
        return Pairs($"SELECT DISTINCT type AS of, value AS one FROM attribute_values WHERE {Kept(scope, plan, parameters)} AND name = {parameters.Add(name)} AND type != ''", plan, parameters);
    }

    private SqlQuery Column(string column, string table, TagsPlan plan)
    {
        var parameters = new SqlParameters();
        return Pairs($"SELECT DISTINCT 'string' AS of, {column} AS one FROM {table} WHERE {(table == "spans" ? Where(plan, parameters) : Received(plan, parameters))}", plan, parameters);
    }

    private SqlQuery OfScopes(string column, TagsPlan plan)
    {
        var parameters = new SqlParameters();
        return Pairs($"SELECT DISTINCT 'string' AS of, {column} AS one FROM {Envelopes("scopes", "scope_hash", plan, parameters)}", plan, parameters);
    }

    private static SqlQuery Pairs(string pairs, TagsPlan plan, SqlParameters parameters) =>
        new($"SELECT CAST(of, 'String') AS type, CAST(one, 'String') AS value FROM ({pairs}) WHERE one != '' AND length(one) <= {AttributeValueCollector.MaxBytes} ORDER BY type, value LIMIT {Most(plan)}{ForAWhile}", parameters.Values);

    /// <summary>The resources or scopes of the spans.</summary>
    private string Envelopes(string table, string hash, TagsPlan plan, SqlParameters parameters) =>
        $"{table} WHERE {Received(plan, parameters)}{(plan.Filter is null ? "" : $" AND hash IN (SELECT {hash} FROM spans WHERE {Where(plan, parameters)})")}";

    private string Kept(string scope, TagsPlan plan, SqlParameters parameters) => $"{Received(plan, parameters)} AND scope = {parameters.Add(scope)}";

    /// <summary>Nothing is received before it has begun, but for clocks that go wrong: by less than a day mostly.</summary>
    private string Received(TagsPlan plan, SqlParameters parameters)
    {
        string where = $"tenant = {parameters.Add(tenant)}";
        return plan.Time is { } time ? $"{where} AND received_day >= toDate({parameters.Add(Math.Max(time.FirstUnixNano / NanosecondsPerDay, 1) - 1)})" : where;
    }

    private string Where(TagsPlan plan, SqlParameters parameters) => spans.Where(plan.Filter, plan.Time, resources: null, parameters);

    private static string KeysOf((string Column, string Type)[] maps) => $"arrayJoin(arrayConcat({string.Join(", ", maps.Select(map => $"mapKeys({map.Column})"))}))";

    private static string NameOf(AttributeScope scope) => scope.ToString().ToLowerInvariant();

    private static string Most(TagsPlan plan) => plan.Limit.ToString(CultureInfo.InvariantCulture);
}
