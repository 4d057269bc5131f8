using System.Text.RegularExpressions;

namespace TraceStore.Tests.Systems;

public sealed partial class DemoTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task The_demo_sends_traces_through_three_services_and_draws_one_that_failed()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);

        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync(
            "demo", "--requests", "8", "--otlp", $"http://127.0.0.1:{server.OtlpPort}", "--url", server.TempoUrl.ToString());

        Assert.Equal(("", 0), (errors, exitCode));
        Assert.Contains("8 requests, 1 failed, 2 slow.", output, StringComparison.Ordinal);
        Assert.Contains("7 spans of 3 services", output, StringComparison.Ordinal);
        string[] lines = output.Split('\n');
        string[] tree = ["frontend GET /checkout", "└─ frontend GET", "└─ backend GET /orders", "├─ backend calculate price", "└─ backend GET", "└─ database GET /query", "└─ database SELECT orders"];
        int first = Array.FindIndex(lines, line => line.StartsWith(tree[0], StringComparison.Ordinal));
        Assert.All(tree.Index(), step => Assert.StartsWith(step.Item, lines[first + step.Index].TrimStart(), StringComparison.Ordinal));
        Assert.EndsWith("error: order 5 is locked", lines[first + 6].TrimEnd(), StringComparison.Ordinal);
        Assert.All(lines[first..(first + 7)], line => Assert.Matches(@"━+ +\d[\d.]* (µs|ms|s)", line));
    }

    [Fact]
    public async Task Any_trace_can_be_drawn_and_an_unknown_one_is_said_to_be()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);
        (_, string demo, _) = await TraceStoreProcess.RunAsync("demo", "--requests", "1", "--otlp", $"http://127.0.0.1:{server.OtlpPort}", "--url", server.TempoUrl.ToString());
        string id = TraceId().Match(demo).Value;

        (int exitCode, string output, _) = await TraceStoreProcess.RunAsync("trace", id, "--url", server.TempoUrl.ToString());
        (int unknownExitCode, _, string unknown) = await TraceStoreProcess.RunAsync("trace", "deadbeef", "--url", server.TempoUrl.ToString());
        (int badExitCode, _, string bad) = await TraceStoreProcess.RunAsync("trace", "xyz", "--url", server.TempoUrl.ToString());

        Assert.Equal(0, exitCode);
        Assert.StartsWith($"Trace {id}", output, StringComparison.Ordinal);
        Assert.Equal((1, $"There is no trace deadbeef at {server.TempoUrl}. (A span is found about half a second after it was acknowledged.)"), (unknownExitCode, unknown));
        Assert.Equal(1, badExitCode);
        Assert.Contains("Invalid trace ID 'xyz'", bad, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Traces_are_searched_for_in_the_terminal()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);
        await TraceStoreProcess.RunAsync("demo", "--requests", "5", "--otlp", $"http://127.0.0.1:{server.OtlpPort}", "--url", server.TempoUrl.ToString());

        string[] search = ["search", "{ resource.service.name = \"frontend\" } >> { status = error && name =~ \"SELECT.*\" } | count() > 0", "--url", server.TempoUrl.ToString()];
        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync([.. search, "--since", "10m"]);
        (_, string json, _) = await TraceStoreProcess.RunAsync([.. search, "--json"]);
        (_, string nothing, _) = await TraceStoreProcess.RunAsync("search", "{ name = \"nobody\" }", "--url", server.TempoUrl.ToString());
        (int badExitCode, _, string bad) = await TraceStoreProcess.RunAsync("search", "{ name = }", "--url", server.TempoUrl.ToString());
        (int noTimeExitCode, _, string noTime) = await TraceStoreProcess.RunAsync("search", "--since", "soon", "--url", server.TempoUrl.ToString());

        Assert.Equal(("", 0), (errors, exitCode));
        Assert.Matches("━+ +[0-9.]+ ms +frontend GET /checkout/.* 3 +7 +[0-9]+ +1 +[0-9a-f]{32}", output);
        Assert.Matches("Draw one: .* trace [0-9a-f]{32} --url", output);
        Assert.Single(System.Text.Json.Nodes.JsonNode.Parse(json)!["traces"]!.AsArray());
        Assert.StartsWith("Nothing was found in the last 1h.", nothing, StringComparison.Ordinal);
        Assert.Equal(1, badExitCode);
        Assert.Contains("line 1, column 10: a field or a value was expected, not '}'.\n{ name = }\n         ^", bad, StringComparison.Ordinal);
        Assert.Equal((1, "--since soon: a time such as 15m, 1h or 2d was expected."), (noTimeExitCode, noTime));
    }

    [Fact]
    public async Task Services_tags_and_series_are_shown_in_the_terminal()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path, "--set", "ClickHouse:MaxBlockAge=0s");
        string[] url = ["--url", server.TempoUrl.ToString()];
        await TraceStoreProcess.RunAsync(["demo", "--requests", "5", "--otlp", $"http://127.0.0.1:{server.OtlpPort}", .. url]);
        await EngineQuestion.UntilAsync(_data.Path, "SELECT uniqExact(service) FROM tracestore.operations", "3");

        (int exitCode, string services, _) = await TraceStoreProcess.RunAsync(["services", .. url]);
        (_, string tags, _) = await TraceStoreProcess.RunAsync(["tags", .. url]);
        (_, string methods, _) = await TraceStoreProcess.RunAsync(["tags", "span.http.request.method", "--query", "{ resource.service.name = \"backend\" }", .. url]);
        (_, string nothing, _) = await TraceStoreProcess.RunAsync(["tags", "span.unheard", .. url]);
        (_, string series, _) = await TraceStoreProcess.RunAsync(["query", "{ kind = server } | rate() by (resource.service.name)", "--since", "90s", .. url]);
        (int badExitCode, _, string bad) = await TraceStoreProcess.RunAsync(["query", "{}", .. url]);

        Assert.Equal((0, "backend\ndatabase\nfrontend"), (exitCode, services));
        Assert.Matches("resource +.*service.name", tags);
        Assert.Matches("span +.*http.request.method", tags);
        Assert.Equal("GET", methods);
        Assert.StartsWith("Nothing is listed of the last 1h.", nothing, StringComparison.Ordinal);
        Assert.Matches("resource.service.name=database +[▁▂▃▄▅▆▇█]+ +[0-9.]+ +[0-9.]+", series);
        Assert.Equal(1, badExitCode);
        Assert.Contains("for series a function such as rate() was expected", bad, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_server_commands_say_how_to_start_one()
    {
        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("demo", "--url", $"http://127.0.0.1:{ExternalClickHouse.FreePort()}");

        Assert.Equal(1, exitCode);
        Assert.Contains("Start one (tracestore serve), or name another with --url.", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("0")]
    public async Task A_number_that_is_none_is_said_so(string requests)
    {
        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("demo", "--requests", requests);

        Assert.Equal(1, exitCode);
        Assert.Contains("--requests: a number from 1 to 10000 was expected.", errors, StringComparison.Ordinal);
    }

    [GeneratedRegex("[0-9a-f]{32}")]
    private static partial Regex TraceId();
}
