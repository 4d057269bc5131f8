using System.Text.Json.Nodes;

namespace TraceStore.Tests.Systems;

public sealed class LoadTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Theory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    [InlineData("http/json")]
    public async Task Every_span_of_a_load_is_stored_and_its_traces_are_found(string protocol)
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);
        string ids = Path.Combine(_data.Path, "ids");

        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync(
            "load", "--protocol", protocol, "--url", protocol == "grpc" ? $"http://127.0.0.1:{server.OtlpPort}" : server.OtlpHttpUrl.ToString(), "--spans", "5000", "--rate", "10000", "--trace-ids", ids, "--json");

        Assert.Equal((0, ""), (exitCode, errors));
        Assert.Equal(5_000, (long)JsonNode.Parse(output)!["spans"]!);
        string[] traces = await File.ReadAllLinesAsync(ids, TestContext.Current.CancellationToken);
        Assert.Equal(500, traces.Distinct().Count());
        using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
        foreach (string trace in traces.Where((_, number) => number % 50 == 0)) await tempo.WaitForTraceAsync(trace, 10);
    }

    [Fact]
    public async Task Nobody_at_the_other_end_is_said_at_once()
    {
        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("load", "--url", "http://127.0.0.1:1");

        Assert.Equal(1, exitCode);
        Assert.StartsWith("http://127.0.0.1:1/ doesn't take OTLP: Unavailable:", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_number_out_of_range_is_named()
    {
        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("load", "--rate", "none", "--error-rate", "2");

        Assert.Equal(1, exitCode);
        Assert.Contains("--rate: a number from 1 to 100000000 was expected.", errors, StringComparison.Ordinal);
        Assert.Contains("--error-rate: a number from 0 to 1 was expected.", errors, StringComparison.Ordinal);
    }
}
