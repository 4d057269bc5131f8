using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

public class OwnTelemetryTests(ServerFixture fixture)
{
    private TestServer Server => fixture.Server;

    [Fact]
    public async Task Health_and_readiness_answer_on_every_http_port()
    {
        foreach (HttpClient door in (HttpClient[])[Server.Tempo, Server.Jaeger])
        {
            Assert.Equal("ok\n", await door.GetStringAsync("/healthz"));
            await Eventually.BeTrueAsync("readiness", () => door.IsUpAsync("/readyz"));
            Assert.Contains("storing spans: ok\nanswering queries: ok\n", await door.GetStringAsync("/readyz"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Metrics_count_what_was_accepted_and_stored()
    {
        await Server.Otlp.ExportAsync(Request(Resource("metrics", Span(401))));
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(401)), 1);

        string metrics = "";
        await Eventually.BeTrueAsync("the stored count, which comes a moment after the spans", async () =>
        {
            metrics = await Server.Tempo.GetStringAsync("/metrics");
            return System.Text.RegularExpressions.Regex.IsMatch(metrics, "tracestore_ingest_spans_stored_total\\{[^}]*\\} [1-9]");
        });
        Assert.Matches("tracestore_ingest_spans_accepted_total\\{[^}]*\\} [1-9]", metrics);
        Assert.Matches("tracestore_wal_size_bytes\\{[^}]*\\} [1-9]", metrics);
        Assert.Contains("tracestore_wal_segments_waiting", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("http_server", metrics, StringComparison.Ordinal); // histograms that nobody asked for
        Assert.Contains("dotnet_", metrics, StringComparison.Ordinal);
    }
}
