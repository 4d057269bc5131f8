using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Google.Rpc;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

public class OutageTests
{
    [Fact]
    public async Task While_clickhouse_is_away_ingest_goes_on_queries_say_why_and_all_is_found_when_it_is_back()
    {
        using var clickHouse = new ExternalClickHouse();
        await using TestServer server = await TestServer.StartAsync(null, ("ClickHouse:Url", clickHouse.Url.ToString()));

        // It isn't there yet
        ExportTraceServiceRequest first = Request(Resource("outage", Span(601)));
        Assert.Null((await server.Otlp.ExportAsync(first)).PartialSuccess);
        await AssertAwayAsync(server);

        // It comes
        await clickHouse.StartAsync();
        await Eventually.BeTrueAsync("readiness", () => server.Tempo.IsUpAsync("/readyz"));
        Assert.Equal(OtlpEquality.Canonical(first), OtlpEquality.Canonical(await server.Tempo.WaitForTraceAsync(Hex(TraceId(601)), 1)));

        // It goes, and comes back
        clickHouse.Kill();
        ExportTraceServiceRequest second = Request(Resource("outage", Span(602)));
        Assert.Null((await server.Otlp.ExportAsync(second)).PartialSuccess);
        await AssertAwayAsync(server);
        await clickHouse.StartAsync();
        await Eventually.BeTrueAsync("readiness", () => server.Tempo.IsUpAsync("/readyz"));
        Assert.Equal(OtlpEquality.Canonical(second), OtlpEquality.Canonical(await server.Tempo.WaitForTraceAsync(Hex(TraceId(602)), 1)));
        Assert.Equal(OtlpEquality.Canonical(first), OtlpEquality.Canonical(await server.Tempo.ReadTraceAsync(Hex(TraceId(601)))));
    }

    /// <summary>Far below the 30 s that a query may take, and far above the 1.5 s that are promised.</summary>
    private const int SoonSeconds = 10;

    [Fact]
    public async Task Beside_a_frozen_engine_readiness_is_told_soon_and_all_goes_on_when_it_thaws()
    {
        await using TestServer server = await TestServer.StartAsync();
        using var impatient = new HttpClient { BaseAddress = server.Tempo.BaseAddress, Timeout = TimeSpan.FromSeconds(SoonSeconds) };
        await SignalAsync("-STOP", server.EngineProcessId);
        try
        {
            foreach (string path in (string[])["/readyz", "/readyz/query", "/ready"])
            {
                using HttpResponseMessage answer = await impatient.GetAsync(path, TestContext.Current.CancellationToken);
                Assert.Equal((path, HttpStatusCode.ServiceUnavailable), (path, answer.StatusCode));
            }

            Assert.True(await impatient.IsUpAsync("/healthz"));
            Assert.True(await impatient.IsUpAsync("/readyz/ingest"));
            Assert.Null((await server.Otlp.ExportAsync(Request(Resource("frozen", Span(609))))).PartialSuccess);
        }
        finally
        {
            await SignalAsync("-CONT", server.EngineProcessId);
        }

        await Eventually.BeTrueAsync("readiness", () => server.Tempo.IsUpAsync("/readyz"));
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(609)), 1);
    }

    private static async Task SignalAsync(string signal, int processId)
    {
        using Process kill = Process.Start("kill", [signal, processId.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    [Fact]
    public async Task A_clickhouse_that_comes_back_empty_gets_its_tables_again()
    {
        using var clickHouse = new ExternalClickHouse();
        await clickHouse.StartAsync();
        await using TestServer server = await TestServer.StartAsync(null, ("ClickHouse:Url", clickHouse.Url.ToString()));
        await server.Otlp.ExportAsync(Request(Resource("emptied", Span(606))));
        await Eventually.BeTrueAsync("readiness", () => server.Tempo.IsUpAsync("/readyz"));
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(606)), 1);

        using (var http = new HttpClient { BaseAddress = clickHouse.Url })
        {
            using var drop = new StringContent("DROP DATABASE tracestore SYNC");
            (await http.PostAsync("/", drop)).EnsureSuccessStatusCode();
        }

        ExportTraceServiceRequest request = Request(Resource("emptied", Span(607)));
        await server.Otlp.ExportAsync(request);
        await Eventually.BeTrueAsync("readiness", () => server.Tempo.IsUpAsync("/readyz"));
        Assert.Equal(OtlpEquality.Canonical(request), OtlpEquality.Canonical(await server.Tempo.WaitForTraceAsync(Hex(TraceId(607)), 1)));
    }

    [Fact]
    public async Task An_embedded_engine_that_dies_is_started_again()
    {
        await using TestServer server = await TestServer.StartAsync();
        await server.Otlp.ExportAsync(Request(Resource("restart", Span(603))));
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(603)), 1);

        using (Process engine = Process.GetProcessById(server.EngineProcessId)) engine.Kill();
        Assert.Null((await server.Otlp.ExportAsync(Request(Resource("restart", Span(604))))).PartialSuccess);

        await Eventually.BeTrueAsync("readiness", () => server.Tempo.IsUpAsync("/readyz"));
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(603)), 1);
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(604)), 1);
    }

    [Fact]
    public async Task A_full_log_answers_unavailable_and_when_to_retry()
    {
        await using TestServer server = await TestServer.StartAsync(
            settings => settings with { Wal = settings.Wal with { MaxBytes = 1_000 } }, ("ClickHouse:Url", $"http://127.0.0.1:{ExternalClickHouse.FreePort()}"));
        ExportTraceServiceRequest request = Request(Resource("full", Enumerable.Range(1, 30).Select(i => Span(605, span: i))));

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.Otlp.ExportAsync(request));

        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.Contains("The write-ahead log is full", refused.Status.Detail, StringComparison.Ordinal);
        Assert.True(refused.GetRpcStatus()?.GetDetail<RetryInfo>()?.RetryDelay.ToTimeSpan() > TimeSpan.Zero);
    }

    [Fact]
    public async Task Too_many_exports_at_once_are_told_to_come_again_and_none_is_lost()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Otlp:MaxBytesInFlight", "1MiB"));
        var outcomes = await Task.WhenAll(Enumerable.Range(1, 200).Select(async i =>
        {
            try
            {
                Span span = Span(700, span: i);
                span.Attributes.Add(Attribute("large", new string((char)(0x61 + (i % 26)), 100_000))); // five of them fill the client's share
                await server.Otlp.ExportAsync(Request(Resource("crowd", span)));
                return (IsAccepted: true, Refusal: (RpcException?)null);
            }
            catch (RpcException e)
            {
                return (IsAccepted: false, Refusal: e);
            }
        }));

        int accepted = outcomes.Count(outcome => outcome.IsAccepted);
        Assert.InRange(accepted, 1, 199);
        Assert.All(outcomes.Where(outcome => !outcome.IsAccepted), outcome =>
        {
            Assert.Equal((StatusCode.Unavailable, "Too many exports at once from 127.0.0.1: its share of the memory for them is used up (half of Otlp:MaxBytesInFlight)."), (outcome.Refusal!.StatusCode, outcome.Refusal.Status.Detail));
            Assert.True(outcome.Refusal.GetRpcStatus()?.GetDetail<RetryInfo>()?.RetryDelay.ToTimeSpan() > TimeSpan.Zero);
        });
        Assert.Equal(accepted, (await server.Tempo.WaitForTraceAsync(Hex(TraceId(700)), accepted)).Sum(resource => resource.ScopeSpans.Sum(scope => scope.Spans.Count)));
    }

    private static async Task AssertAwayAsync(TestServer server)
    {
        using HttpResponseMessage tempo = await server.Tempo.GetAsync("/api/v2/traces/1");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, tempo.StatusCode);
        Assert.StartsWith("Traces can't be read now: ClickHouse can't be reached", await tempo.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using HttpResponseMessage jaeger = await server.Jaeger.GetAsync("/api/services");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, jaeger.StatusCode);
        Assert.Equal(503, (int?)JsonNode.Parse(await jaeger.Content.ReadAsStringAsync())!["errors"]![0]!["code"]);

        using HttpResponseMessage ready = await server.Tempo.GetAsync("/readyz");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal("ok\n", await server.Tempo.GetStringAsync("/healthz"));
    }
}
