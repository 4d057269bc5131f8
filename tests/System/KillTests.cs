using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

public sealed class KillTests : IDisposable
{
    private const int Clients = 4;
    private const int SpansPerTrace = 10;
    private const int TracesPerRequest = 5;

    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task After_kill_9_under_load_every_acknowledged_trace_is_found()
    {
        var acknowledged = new ConcurrentBag<int>();
        for (int round = 0; round < 3; round++)
        {
            using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);
            int before = acknowledged.Count;
            Task load = Task.WhenAll(Enumerable.Range(0, Clients).Select(client => SendUntilKilledAsync(server.OtlpPort, (round * Clients) + client, acknowledged)));
            await Eventually.BeTrueAsync("load", () => Task.FromResult(acknowledged.Count > before + 1_500));
            server.Kill();
            await load;
        }

        using TraceStoreProcess last = await TraceStoreProcess.ServeAsync(_data.Path);
        using var tempo = new HttpClient { BaseAddress = last.TempoUrl };
        await tempo.WaitForEmptyLogAsync();
        using var jaeger = new HttpClient { BaseAddress = last.JaegerUrl };
        int missing = 0, wrong = 0;
        foreach (int[] traces in acknowledged.Chunk(50))
        {
            JsonArray found = JsonNode.Parse(await jaeger.GetStringAsync("/api/traces?" + string.Join('&', traces.Select(trace => $"traceID={Hex(TraceId(trace))}"))))!["data"]!.AsArray();
            missing += traces.Length - found.Count;
            wrong += found.Count(trace => trace!["spans"]!.AsArray().Count != SpansPerTrace);
        }

        Assert.Equal((0, 0), (missing, wrong));
        string[] counts = (await EngineQuestion.AskAsync(_data.Path, "SELECT count(), uniqExact(trace_id, span_id) FROM tracestore.spans")).Split('\t');
        Assert.Equal(counts[1], counts[0]); // stored once: rows, not what assembly makes of them
    }

    private static async Task SendUntilKilledAsync(int port, int client, ConcurrentBag<int> acknowledged)
    {
        using var otlp = new OtlpClient(port);
        for (int number = 0; ; number++)
        {
            int[] traces = [.. Enumerable.Range(0, TracesPerRequest).Select(i => (client * 10_000_000) + (number * TracesPerRequest) + i + 1)];
            ExportTraceServiceRequest request = Request(Resource(
                "killed", traces.SelectMany(trace => Enumerable.Range(1, SpansPerTrace).Select(span => Span(trace, span, parent: span - 1)))));
            try
            {
                await otlp.ExportAsync(request);
            }
            catch (RpcException)
            {
                return; // not acknowledged: it may be stored or not
            }

            foreach (int trace in traces) acknowledged.Add(trace);
        }
    }
}
