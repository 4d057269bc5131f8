using System.Text.RegularExpressions;

namespace TraceStore.Tests.Fuzz;

/// <summary>One thing that can be asked for.</summary>
/// <param name="Path">Its path; {} is where the segment goes.</param>
/// <param name="Segment">What the path's segment holds; null where it has none.</param>
/// <param name="Parameters">Everything that can stand in its query.</param>
/// <param name="Together">Parameters that make a valid query together, what matters most first; one set is the beginning of each request.</param>
/// <param name="Weight">How often it is asked for, against the others.</param>
internal sealed record HostileEndpoint(
    string Name, Api Api, string Path, ValueKind? Segment, IReadOnlyDictionary<string, ValueKind> Parameters, IReadOnlyList<string[]> Together, int Weight);

/// <summary>
/// Makes requests out of seeds, each the same from the same one: a valid request for an endpoint in which one value, sometimes
/// more or none, is replaced by a hostile one; and sometimes a path, a header or a method that nobody asked for.
/// </summary>
internal static partial class HostileQueries
{
    /// <summary>Somewhat less than the longest request line that is read: beyond it there is nothing to find.</summary>
    private const int MaxTargetLength = 500_000;

    private static readonly Dictionary<string, ValueKind> s_times = new() { ["start"] = ValueKind.Seconds, ["end"] = ValueKind.Seconds };
    private static readonly Dictionary<string, ValueKind> s_micros = new()
    {
        ["start"] = ValueKind.Micros, ["end"] = ValueKind.Micros, ["raw"] = ValueKind.Flag, ["prettyPrint"] = ValueKind.Flag,
    };

    private static readonly Dictionary<string, ValueKind> s_pretty = new() { ["prettyPrint"] = ValueKind.Flag };

    private static readonly HostileEndpoint[] s_endpoints =
    [
        new("Tempo /api/search", Api.Tempo, "/api/search", null, new Dictionary<string, ValueKind>(s_times)
        {
            ["q"] = ValueKind.TraceQl, ["tags"] = ValueKind.Logfmt, ["minDuration"] = ValueKind.Duration, ["maxDuration"] = ValueKind.Duration,
            ["limit"] = ValueKind.Count, ["spss"] = ValueKind.Count,
        }, [
            ["q"], ["q", "start", "end"], ["q", "start", "end"], ["q", "start", "end", "limit", "spss"],
            ["tags", "start", "end"], ["tags", "start", "end"], ["tags", "minDuration", "maxDuration", "start", "end"], [],
        ], Weight: 30),
        new("Tempo /api/v2/traces/{id}", Api.Tempo, "/api/v2/traces/{}", ValueKind.TraceId, s_times, [[], ["start", "end"]], Weight: 9),
        new("Tempo /api/traces/{id}", Api.Tempo, "/api/traces/{}", ValueKind.TraceId, s_times, [[], ["start", "end"]], Weight: 6),
        new("Tempo /api/echo", Api.Tempo, "/api/echo", null, s_pretty, [[]], Weight: 1),
        new("Tempo /api/status/buildinfo", Api.Tempo, "/api/status/buildinfo", null, s_pretty, [[]], Weight: 1),
        new("Tempo /ready", Api.Tempo, "/ready", null, s_pretty, [[]], Weight: 1),
        new("Tempo /readyz", Api.Tempo, "/readyz", null, s_pretty, [[]], Weight: 1),
        new("Tempo /healthz", Api.Tempo, "/healthz", null, s_pretty, [[]], Weight: 1),
        new("Tempo, elsewhere", Api.Tempo, "", null, s_times, [[], ["start", "end"]], Weight: 3),
        new("Jaeger /api/traces", Api.Jaeger, "/api/traces", null, new Dictionary<string, ValueKind>(s_micros)
        {
            ["service"] = ValueKind.Service, ["operation"] = ValueKind.Operation, ["limit"] = ValueKind.Count,
            ["minDuration"] = ValueKind.Duration, ["maxDuration"] = ValueKind.Duration,
            ["tag"] = ValueKind.Tag, ["tags"] = ValueKind.JsonTags, ["traceID"] = ValueKind.TraceId, ["lookback"] = ValueKind.Duration,
        }, [
            ["service"], ["operation", "service", "limit", "start", "end"], ["tags", "service", "start", "end"], ["tag", "service", "start", "end"],
            ["tags", "tag", "service", "minDuration", "maxDuration", "start", "end"], ["traceID"], [],
        ], Weight: 30),
        new("Jaeger /api/traces/{id}", Api.Jaeger, "/api/traces/{}", ValueKind.TraceId, s_micros, [[], ["start", "end"], ["prettyPrint"]], Weight: 6),
        new("Jaeger /api/services", Api.Jaeger, "/api/services", null, s_pretty, [[]], Weight: 2),
        new("Jaeger /api/services/{service}/operations", Api.Jaeger, "/api/services/{}/operations", ValueKind.Service, s_pretty, [[]], Weight: 6),
        new("Jaeger /api/operations", Api.Jaeger, "/api/operations", null, new Dictionary<string, ValueKind>(s_pretty)
        {
            ["service"] = ValueKind.Service, ["spanKind"] = ValueKind.SpanKind,
        }, [["service"], ["service", "spanKind"], []], Weight: 6),
        new("Jaeger /readyz", Api.Jaeger, "/readyz", null, s_pretty, [[]], Weight: 1),
        new("Jaeger /healthz", Api.Jaeger, "/healthz", null, s_pretty, [[]], Weight: 1),
        new("Jaeger, elsewhere", Api.Jaeger, "", null, s_micros, [[], ["start", "end"]], Weight: 3),
    ];

    private static readonly HostileEndpoint[] s_weighted = [.. s_endpoints.SelectMany(endpoint => Enumerable.Repeat(endpoint, endpoint.Weight))];

    private static readonly string[] s_elsewhere =
    [
        "/", "//", "///", "/api", "/api/", "/api/search/", "/API/SEARCH", "/api//search", "/api/search/tags", "/api/v2/search/tag/a/values",
        "/api/metrics/query_range", "/api/dependencies", "/api/v3/services", "/api/traces/", "/api/traces/a/b",
        "/api/services/", "/api/services//operations", "/api/archive/a", "/api%2fsearch", "/%61pi/echo", "/./api/./echo", "/api/../api/echo", "/..",
        "/../../etc/passwd", "/%2e%2e/", "/%", "/%00", "/\0", "/\\", "/api/echo;x", "/api/echo%3fx", "/favicon.ico",
        "*", "http://127.0.0.1/api/echo", "http://[::1", "http://a b/", "127.0.0.1:443", "api/echo", "?q={}", "#", "/#/api/echo",
        "/api/echo HTTP/0.9", "/\t", "/é", "/\ud83d", "/ready/", "/readyz/x", "/healthz\0",
    ];

    private static readonly string[] s_accepts =
    [
        "*/*", "application/json", "application/protobuf", "application/protobuf", "application/protobuf;q=0",
        "application/protobuf;q=0.1, application/json", "APPLICATION/PROTOBUF", "application/protobufx", "application/*;q=0.5",
        "text/html,*/*;q=0.1",
        "application/vnd.grafana.llm", "", " ", ",", ",,,", ";", ";q=", "q=1", "application/json;q=1e999", "application/json;q=-1",
        "application/json;q=NaN", "application/protobuf; q=\"", "a/b/c", "/", "é", "\0", "application/json\r\nX-Y: z",
    ];

    /// <summary>The request that a seed stands for.</summary>
    public static HostileRequest Of(int seed)
    {
        var random = new Random(Scattered(seed));
        var text = new HostileText(random);
        var values = new HostileValues(random, text);
        HostileEndpoint endpoint = text.Pick(s_weighted);
        string path = endpoint switch
        {
            { Path: "" } => Elsewhere(random, text),
            { Segment: { } kind } => endpoint.Path.Replace("{}", text.Escape(Segment(kind, random, values)), StringComparison.Ordinal),
            _ => endpoint.Path,
        };
        List<Argument> query = Query(endpoint, random, text, values);
        string target = path + (query.Count == 0 ? "" : "?" + string.Join(random.Next(100) == 0 ? ';' : '&', query.SelectMany(argument => argument.Written(text))));
        if (target.Length > MaxTargetLength) target = target[..MaxTargetLength];
        string method = random.Next(25) > 0 ? "GET" : text.Pick("HEAD", "HEAD", "OPTIONS", "POST", "POST", "PUT", "DELETE", "PROPFIND", "get");
        string? accept = random.Next(2) == 0 ? null : random.Next(200) == 0 ? text.Long("application/json,", "a/b;q=0.5,", ",") : text.Pick(s_accepts);
        bool isRouted = method == "GET" && endpoint.Path.StartsWith("/api/", StringComparison.Ordinal) && PlainPath().IsMatch(path);
        return new HostileRequest(endpoint.Name, endpoint.Api, method, target, accept, isRouted);
    }

    private static List<Argument> Query(HostileEndpoint endpoint, Random random, HostileText text, HostileValues values)
    {
        List<Argument> query = ValidQuery(endpoint, text, values);
        string[] names = [.. endpoint.Parameters.Keys];
        int[] howMany = endpoint.Segment is null ? [0, 1, 1, 2] : [0, 0, 0, 0, 0, 0, 0, 1, 1, 2];
        for (int hostile = text.Pick(howMany); hostile > 0; hostile--)
        {
            // Mostly one that is there, for what is added is often excluded by the others; and mostly the first, which does most.
            bool isLong = random.Next(70) == 0;
            bool isThere = query.Count > 0 && (isLong || random.Next(4) > 0);
            string name = isThere ? query[isLong || random.Next(3) > 0 ? 0 : random.Next(query.Count)].Name : text.Pick(names);
            if (!endpoint.Parameters.TryGetValue(name, out ValueKind kind)) continue;
            var argument = new Argument(name, isLong ? values.Long(kind) : values.Hostile(kind));
            if (random.Next(100) == 0) argument = new Argument(name, kind == ValueKind.Tag ? "a:" : values.Valid(kind), Times: text.Pick(60, 1_000, 50_000));
            if (random.Next(8) > 0) query.RemoveAll(other => other.Name == name);
            query.Insert(random.Next(query.Count + 1), argument);
            if (random.Next(15) == 0) query.AddRange(Enumerable.Range(0, random.Next(1, 6)).Select(_ => new Argument(name, values.Valid(kind))));
            if (random.Next(30) == 0) query.Add(new Argument(text.Pick(name.ToUpperInvariant(), name + "[]", "", "&", "=", text.Escape(text.Any())), argument.Value));
        }

        return query;
    }

    private static List<Argument> ValidQuery(HostileEndpoint endpoint, HostileText text, HostileValues values)
    {
        List<Argument> query = [.. text.Pick(endpoint.Together.ToArray()).Select(name => new Argument(name, values.Valid(endpoint.Parameters[name])))];
        int start = query.FindIndex(argument => argument.Name == "start");
        int end = query.FindIndex(argument => argument.Name == "end");
        bool isBackwards = start >= 0 && string.CompareOrdinal(query[start].Value, query[end].Value) > 0;
        if (isBackwards) (query[start], query[end]) = (new Argument("start", query[end].Value), new Argument("end", query[start].Value));
        return query;
    }

    private static string Segment(ValueKind kind, Random random, HostileValues values) => random.Next(300) switch
    {
        0 => values.Long(kind),
        < 130 => values.Hostile(kind),
        _ => values.Valid(kind),
    };

    private static string Elsewhere(Random random, HostileText text) => random.Next(3) switch
    {
        0 => "/" + text.Escape(text.Any()),
        1 => HostileText.Bytes(text.Changed(text.Pick(s_endpoints).Path + "/")),
        _ => HostileText.Bytes(text.Pick(s_elsewhere)),
    } is { Length: > 0 } path ? path : "/";

    /// <summary>Neighbouring seeds make neighbouring numbers in <see cref="Random"/>; so they are spread first.</summary>
    private static int Scattered(int seed)
    {
        uint bits = unchecked((uint)seed * 0x9E3779B9);
        bits = unchecked((bits ^ (bits >> 16)) * 0x85EBCA6B);
        return (int)(bits ^ (bits >> 13));
    }

    /// <summary>One name=value, once or many times the same.</summary>
    private sealed record Argument(string Name, string Value, int Times = 1)
    {
        public IEnumerable<string> Written(HostileText text) => Enumerable.Repeat($"{Name}={text.Escape(Value)}", Times);
    }

    [GeneratedRegex("^(/[A-Za-z0-9_-]+)+$")]
    private static partial Regex PlainPath();
}
