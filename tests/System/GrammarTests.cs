using System.Diagnostics;
using System.Reflection;
using System.Text.Json;
using TraceStore.Query.TraceQl;

namespace TraceStore.Tests.Systems;

/// <summary>What the grammar of Grafana's own editor reads (npm's @grafana/lezer-traceql), TraceStore reads.</summary>
public sealed class GrammarTests(ITestOutputHelper output)
{
    private static readonly string[] s_texts =
    [
        "name", "statusMessage", "rootName", "rootServiceName", "span:name", "span:statusMessage", "span:id", "span:parentID", "trace:id", "trace:rootName", "trace:rootService",
        "event:name", "link:traceID", "link:spanID", "instrumentation:name", "instrumentation:version",
    ];

    private static readonly string[] s_attributes =
        [".a", "span.http.status_code", "resource.service.name", "event.exception.type", "link.b", "instrumentation.c", "parent.d", "parent.span.e", "parent.resource.f", "span.k8s-pod/x", "span.\"a b\""];

    private static readonly string[] s_durations = ["duration", "traceDuration", "span:duration", "trace:duration", "event:timeSinceStart"], s_numbers = ["childCount", "span:childCount", "nestedSetLeft", "nestedSetRight", "nestedSetParent"];

    private static readonly string[] s_order = ["=", "!=", "<", "<=", ">", ">="], s_matches = ["=~", "!~"];

    private static IEnumerable<string> Conditions() =>
    [
        .. from field in s_texts.Concat(s_attributes) from comparison in s_order.Concat(s_matches) select $"{field} {comparison} \"x\"",
        .. from field in s_durations.Concat(s_attributes) from comparison in s_order from value in (string[])["1s", "100ms", "1h30m", "5us", "10ns"] select $"{field}{comparison}{value}",
        .. from field in s_numbers.Concat(s_attributes) from comparison in s_order from value in (string[])["1", "-1", "1.5", "maxInt"] select $"{field} {comparison} {value}",
        .. from field in (string[])["status", "span:status"] from value in (string[])["ok", "error", "unset"] select $"{field} != {value}",
        .. from field in (string[])["kind", "span:kind"] from value in (string[])["server", "client", "producer", "consumer", "internal", "unspecified"] select $"{field} = {value}",
        .. from field in s_attributes from value in (string[])["nil", "true", "false"] select $"{field} = {value}",
        "true", "false", ".a", "!.a", "!(.a = 1)", "(.a = 1 && .b = 2) || .c", ".a && .b || .c", "1 = .a", ".a = .b", ".a + 1 > .b * 2 - 3 / 4 % 5 ^ 6", "-.a = 1", "(duration - 1s) > 2s", "parent = nil",
        ".a = `x`", ".a =~ \"a|b\"", ".a = \"\\\"\"",
    ];

    private static IEnumerable<string> Queries() =>
    [
        "{}", "{ }", .. Conditions().Select(condition => $"{{ {condition} }}"),
        .. from between in (string[])["&&", "||", ">", ">>", "<", "<<", "~", "!>", "!>>", "!<", "!<<", "!~", "&>", "&>>", "&<", "&<<", "&~"] select $"{{ .a }} {between} {{ .b }} {between} ({{ .c }})",
        .. from number in (string[])["count()", "min(duration)", "max(.a)", "avg(duration)", "sum(span.b)", "count() + 1", "max(duration) - min(duration)", "(sum(.a) * 2) / 3"] from comparison in s_order select $"{{ .a }} | {number} {comparison} 2",
        "count() > 1", "{ .a } | count() > 1 | avg(duration) > 1s", "{ .a } | by(name)", "{ .a } | by(resource.service.name) | count() > 2", "{ .a } | by(.b) | coalesce()", "{ .a } | select(.b, name, span.c)",
        "({ .a } | count() > 1) && ({ .b } | count() > 2)", "({ .a } | count()) > ({ .b } | count())", "({ .a } && { .b }) || { .c }", "{ .a } | { .b }", "({ .a })", "(({ .a }))",
        "{ .a } // why\n&& { .b }", "{ .a /* why */ }", "{ .a } | select(.b) with (most_recent=true)", "{ .a } with (x=1)",
        .. from function in (string[])["rate()", "count_over_time()", "min_over_time(duration)", "max_over_time(.a)", "avg_over_time(duration)", "sum_over_time(span.b)", "quantile_over_time(duration, .9, 0.99)", "histogram_over_time(duration)"]
           from rest in (string[])["", " by (name)", " by(resource.service.name, .x)", " by (name) | topk(5)", " | bottomk(3)", " > 5", " by(name) with(sample=true)", " with (exemplars=true)"] select $"{{ .a }} | {function}{rest}",
        "{ .a } | compare({ status = error })", "{ .a } | compare({ status = error }, 10)", "{ .a } | compare({ status = error }, 10, 1700000000000000000, 1700000001000000000)", "({ .a } | rate()) / ({ } | rate())",
    ];

    [Fact]
    public async Task What_grafanas_editor_reads_is_read()
    {
        string[] queries = [.. Queries()];
        bool[] areRead = await ReadAsync(queries);

        string[] refused = [.. from query in queries.Zip(areRead) where query.Second let problem = Problem(query.First) where problem is not null select $"{query.First}: {problem}"];

        output.WriteLine($"{queries.Length} queries, of which Grafana's editor reads {areRead.Count(isRead => isRead)}.");
        Assert.Empty(refused);
        Assert.InRange(areRead.Count(isRead => isRead), queries.Length / 2, queries.Length);
        Assert.All(queries, query => Assert.Null(Problem(query))); // and those of Tempo that it is behind on
    }

    private static string? Problem(string query)
    {
        try
        {
            TraceQlParser.Parse(query);
            return null;
        }
        catch (TraceQlException e)
        {
            return e.Message;
        }
    }

    private static async Task<bool[]> ReadAsync(string[] queries)
    {
        string folder = typeof(GrammarTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "JavaScriptFolder").Value!;
        using Process node = Process.Start(new ProcessStartInfo("node", ["grammar.mjs"]) { WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await node.StandardInput.WriteAsync(JsonSerializer.Serialize(queries));
        node.StandardInput.Close();
        string answer = await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        Assert.Equal(0, node.ExitCode);
        return JsonSerializer.Deserialize<bool[]>(answer)!;
    }
}
