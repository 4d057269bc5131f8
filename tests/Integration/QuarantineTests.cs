using OpenTelemetry.Proto.Collector.Trace.V1;
using TraceStore.Storage.Wal;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

public class QuarantineTests
{
    [Fact]
    public async Task A_poison_segment_is_set_aside_holds_up_nothing_and_can_be_given_back()
    {
        await using TestServer server = await TestServer.StartAsync();
        var quarantine = new Quarantine(server.WalDirectory);
        await server.AskEngineAsync("ALTER TABLE tracestore.spans ADD CONSTRAINT no_poison CHECK name != 'poison'");

        // Refused, though ClickHouse is well
        ExportTraceServiceRequest poison = Request(Resource("quarantine", Span(901, name: "poison")));
        await server.Otlp.ExportAsync(poison);
        await Eventually.BeTrueAsync("the quarantine", () => Task.FromResult(quarantine.Count == 1));
        QuarantineEntry entry = Assert.Single(quarantine.Entries());
        Assert.Contains("no_poison", entry.Reason, StringComparison.Ordinal);
        Assert.True(entry.CanReplay);

        // What comes behind it is stored
        await server.Otlp.ExportAsync(Request(Resource("quarantine", Span(902))));
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(902)), 1);
        await server.Tempo.WaitForMetricAsync("tracestore_ingest_segments_quarantined_total", value => value == 1);
        await server.Tempo.WaitForMetricAsync("tracestore_wal_quarantine_entries", value => value == 1);

        // Given back while nothing has changed, it returns
        quarantine.GiveBack(entry.Name);
        await Eventually.BeTrueAsync("its return", () => Task.FromResult(quarantine.Count == 1 && !quarantine.IsGivenBack(entry.Name)));

        // With the cause mended it is stored, once, whole
        await server.AskEngineAsync("ALTER TABLE tracestore.spans DROP CONSTRAINT no_poison");
        quarantine.GiveBack(entry.Name);
        Assert.Equal(OtlpEquality.Canonical(poison), OtlpEquality.Canonical(await server.Tempo.WaitForTraceAsync(Hex(TraceId(901)), 1)));
        await Eventually.BeTrueAsync("an empty quarantine", () => Task.FromResult(quarantine.Count == 0 && !quarantine.IsGivenBack(entry.Name)));
        Assert.Empty(Directory.GetFiles(Path.Combine(server.WalDirectory, "quarantine")));
        Assert.Equal("2", await server.AskEngineAsync("SELECT count() FROM tracestore.spans"));
    }

    [Fact]
    public async Task When_clickhouse_refuses_everything_nothing_is_set_aside()
    {
        await using TestServer server = await TestServer.StartAsync();
        await server.AskEngineAsync("ALTER TABLE tracestore.spans RENAME COLUMN remainder TO lost");

        await server.Otlp.ExportAsync(Request(Resource("quarantine", Span(903))));
        await server.Tempo.WaitForMetricAsync("tracestore_ingest_insert_failures_total", value => value > 5);
        Assert.Equal(0, new Quarantine(server.WalDirectory).Count);

        await server.AskEngineAsync("ALTER TABLE tracestore.spans RENAME COLUMN lost TO remainder");
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(903)), 1);
    }
}
