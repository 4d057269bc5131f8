using TraceStore.Storage.Otlp;

namespace TraceStore.Tests.Systems.Torture;

/// <summary>What is wrong with one table: all zero when nothing is.</summary>
internal readonly record struct Difference(int Missing, int Doubled, int Foreign)
{
    public static Difference operator +(Difference left, Difference right) =>
        new(left.Missing + right.Missing, left.Doubled + right.Doubled, left.Foreign + right.Foreign);

    public override string ToString() => $"{Missing} missing, {Doubled} doubled, {Foreign} never acknowledged";
}

/// <summary>What was acknowledged, held against what is stored: spans, and every table that is derived from them.</summary>
internal sealed class Ledger
{
    public const int SpansPerRequest = 10;
    private const int Operations = 7;

    private readonly Lock _lock = new();
    private readonly List<(string Service, int First)> _requests = [];

    public long Spans
    {
        get
        {
            lock (_lock) return _requests.Count * (long)SpansPerRequest;
        }
    }

    /// <summary>A span's name, by its number.</summary>
    public static string OperationOf(int number) => $"operation-{number % Operations}";

    /// <summary>The scope of a service's spans.</summary>
    public static string ScopeOf(string service) => $"scope-of-{service}";

    /// <summary>The requests that were acknowledged last, each a trace, by its first span's number.</summary>
    public IReadOnlyList<int> Latest(int requests)
    {
        lock (_lock) return [.. _requests.TakeLast(requests).Select(request => request.First)];
    }

    public void Acknowledge(string service, int first)
    {
        lock (_lock) _requests.Add((service, first));
    }

    /// <summary>Compares every table with the ledger. Nothing may be on its way.</summary>
    /// <param name="ask">Asks ClickHouse itself: what is stored, not what is shown.</param>
    public async Task<IReadOnlyDictionary<string, Difference>> CompareAsync(Func<string, Task<string>> ask)
    {
        (string Service, int First)[] requests;
        lock (_lock) requests = [.. _requests];
        var services = requests.Select(request => request.Service).ToHashSet();
        var operations = requests.SelectMany(request => Enumerable.Range(request.First, SpansPerRequest).Select(number => $"{request.Service} {OperationOf(number)}")).ToHashSet();
        return new Dictionary<string, Difference>
        {
            ["spans"] = await CompareSpansAsync(ask, [.. requests.SelectMany(request => Enumerable.Range(request.First, SpansPerRequest))]),
            ["resources"] = await CompareAsync(ask, services, "service", "resources FINAL"),
            ["scopes"] = await CompareAsync(ask, [.. services.Select(ScopeOf)], "name", "scopes FINAL"),
            ["operations"] = await CompareAsync(ask, operations, "concat(service, ' ', name)", "operations FINAL"),
            ["resources of spans"] = await CountMissingAsync(ask, "received_day, resource_hash", "SELECT received_day, hash FROM tracestore.resources"),
            ["scopes of spans"] = await CountMissingAsync(ask, "received_day, scope_hash", "SELECT received_day, hash FROM tracestore.scopes"),
            ["buckets of spans"] = await CountMissingAsync(ask, "received_day, xxHash32(trace_id), time_bucket", "SELECT received_day, trace_hash, time_bucket FROM tracestore.trace_buckets"),
            ["trace_buckets"] = await CompareBucketsAsync(ask),
            ["attribute_values"] = await CompareAttributeValuesAsync(ask),
            ["damaged parts"] = await CountDamagedAsync(ask),
            ["operations of spans"] = await CountMissingAsync(ask, "received_day, service, name, kind", "SELECT received_day, service, name, kind FROM tracestore.operations"),
        };
    }

    private static async Task<Difference> CompareSpansAsync(Func<string, Task<string>> ask, int[] expected)
    {
        const string number = "reinterpretAsUInt32(reverse(substring(span_id, 5, 4)))";
        string sums = await ask($"SELECT count(), uniqExact({number}), sum(toUInt64({number})), sum(toUInt64({number}) * {number}) FROM tracestore.spans");
        ulong sum = 0, squares = 0;
        foreach (int span in expected)
        {
            sum += (ulong)span;
            squares += (ulong)span * (ulong)span;
        }

        if (sums == $"{expected.Length}\t{expected.Length}\t{sum}\t{squares}") return default;
        return Compare(await LinesAsync(ask, $"SELECT {number} FROM tracestore.spans"), expected.Select(span => span.ToString()).ToHashSet());
    }

    /// <summary>A table that is derived has each name once a day.</summary>
    private static async Task<Difference> CompareAsync(Func<string, Task<string>> ask, HashSet<string> expected, string name, string table)
    {
        string[] stored = await LinesAsync(ask, $"SELECT {name} FROM tracestore.{table}");
        string[] days = await LinesAsync(ask, "SELECT DISTINCT received_day FROM tracestore.spans");
        Difference difference = Compare([.. stored.Distinct()], expected);
        string doubled = await ask($"SELECT sum(c - 1) FROM (SELECT count() AS c FROM tracestore.{table} GROUP BY received_day, {name})");
        Assert.InRange(days.Length, 0, 2); // else it isn't a test of minutes
        return difference with { Doubled = int.Parse(doubled) };
    }

    /// <summary>What isn't missing: each once, and none that no span lies in.</summary>
    private static async Task<Difference> CompareBucketsAsync(Func<string, Task<string>> ask)
    {
        const string table = "tracestore.trace_buckets FINAL", row = "received_day, trace_hash, time_bucket";
        string doubled = await ask($"SELECT count() - uniqExact({row}) FROM {table}");
        string foreign = await ask($"SELECT count() FROM {table} WHERE ({row}) NOT IN (SELECT received_day, xxHash32(trace_id), time_bucket FROM tracestore.spans)");
        return new Difference(Missing: 0, int.Parse(doubled), int.Parse(foreign));
    }

    /// <summary>Each value that a span's columns hold is listed once on its day, unless its name has very many, and no other.</summary>
    private static async Task<Difference> CompareAttributeValuesAsync(Func<string, Task<string>> ask)
    {
        const string row = "received_day, scope, name, type, value";
        string ofSpans = string.Join(" UNION DISTINCT ", new[] { ("common_string", "string"), ("string", "string"), ("bool", "bool"), ("int", "int"), ("double", "float") }
            .Select(map => $"SELECT received_day, 'span' AS scope, toString(n) AS name, '{map.Item2}' AS type, toString(v) AS value FROM tracestore.spans ARRAY JOIN mapKeys({map.Item1}_attributes) AS n, mapValues({map.Item1}_attributes) AS v WHERE length(n) <= {AttributeValueCollector.MaxBytes} AND length(toString(v)) <= {AttributeValueCollector.MaxBytes}"));
        const string listed = $"SELECT received_day, toString(scope), toString(name), toString(type), value FROM tracestore.attribute_values FINAL WHERE scope = 'span'";
        string full = $"SELECT received_day, toString(name) FROM tracestore.attribute_values WHERE scope = 'span' GROUP BY received_day, name HAVING uniqExact(type, value) >= {AttributeValueCollector.MaxValues}";
        string missing = await ask($"SELECT count() FROM (({ofSpans}) EXCEPT {listed}) WHERE (received_day, name) NOT IN ({full})");
        string foreign = await ask($"SELECT count() FROM ({listed} EXCEPT ({ofSpans}))");
        string doubled = await ask($"SELECT count() - uniqExact({row}) FROM tracestore.attribute_values FINAL");
        return new Difference(int.Parse(missing), int.Parse(doubled), int.Parse(foreign));
    }

    private static async Task<Difference> CountMissingAsync(Func<string, Task<string>> ask, string key, string referenced) =>
        new(int.Parse(await ask($"SELECT uniqExact({key}) FROM tracestore.spans WHERE ({key}) NOT IN ({referenced})")), 0, 0);

    /// <summary>Every byte of every part against its checksum.</summary>
    private static async Task<Difference> CountDamagedAsync(Func<string, Task<string>> ask)
    {
        int damaged = 0;
        foreach (string table in (string[])["spans", "trace_buckets", "resources", "scopes", "operations", "attribute_values"])
        {
            damaged += await ask($"CHECK TABLE tracestore.{table} SETTINGS check_query_single_value_result = 1") == "1" ? 0 : 1;
        }

        return new Difference(damaged, 0, 0);
    }

    private static Difference Compare(string[] stored, HashSet<string> expected)
    {
        HashSet<string> distinct = [.. stored];
        return new Difference(expected.Except(distinct).Count(), stored.Length - distinct.Count, distinct.Except(expected).Count());
    }

    private static async Task<string[]> LinesAsync(Func<string, Task<string>> ask, string sql) =>
        (await ask(sql)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
