using OpenTelemetry.Proto.Collector.Trace.V1;
using TraceStore.Storage.Wal;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

/// <summary>
/// What a crash between two steps leaves, made by hand: the state is what matters, and no luck is needed to meet it.
/// </summary>
public class RecoveryTests
{
    private static readonly ExportTraceServiceRequest s_request = Request(Resource("recovery", Span(801, span: 1), Span(801, span: 2, parent: 1)));

    [Fact]
    public async Task A_segment_that_was_stored_before_the_cursor_moved_is_not_stored_twice()
    {
        TemporaryDirectory data = await StoreAndStopAsync();
        File.Delete(Path.Combine(data.Path, "wal", "clickhouse.cursor"));

        await using TestServer server = await TestServer.StartAsync(data);

        await AssertStoredOnceAsync(server);
    }

    [Fact]
    public async Task A_part_that_is_gone_is_inserted_again_and_once()
    {
        TemporaryDirectory data = await StoreAndStopAsync();
        File.Delete(Path.Combine(data.Path, "wal", "clickhouse.cursor"));
        // A link leads from the table's name to where its parts are.
        string table = Path.Combine(data.Path, "engine", "tables", "data", "tracestore", "spans");
        string[] parts = [.. Directory.GetDirectories(new DirectoryInfo(table).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? table)
            .Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0]))];
        foreach (string part in parts) Directory.Move(part, Path.Combine(data.Path, "moved-" + Path.GetFileName(part)));
        Assert.NotEmpty(parts);

        await using TestServer server = await TestServer.StartAsync(data);

        await AssertStoredOnceAsync(server);
    }

    [Fact]
    public async Task A_segment_that_is_gone_before_it_was_stored_holds_up_nothing_and_is_not_forgotten()
    {
        using var clickHouse = new ExternalClickHouse();
        await using TestServer server = await TestServer.StartAsync(null, ("ClickHouse:Url", clickHouse.Url.ToString()), ("Wal:MaxSegmentSpans", "1000"));
        for (int number = 1; number <= 3; number++) // each fills a segment
        {
            await server.Otlp.ExportAsync(Request(Resource("gone", Enumerable.Range(1, 1_000).Select(span => Span(810 + number, span)))));
        }

        File.Delete(Directory.GetFiles(server.WalDirectory, "*.wal").Order().ElementAt(1));
        await clickHouse.StartAsync();
        await Eventually.BeTrueAsync("readiness", () => server.Tempo.IsUpAsync("/readyz"), seconds: 60);

        await server.Tempo.WaitForTraceAsync(Hex(TraceId(811)), 1);
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(813)), 1);
        await server.Tempo.WaitForMetricAsync("tracestore_wal_damages_total", value => value == 1);
        Assert.StartsWith("The segment is missing", Assert.Single(new Quarantine(server.WalDirectory).Entries()).Reason, StringComparison.Ordinal);
    }

    private static async Task<TemporaryDirectory> StoreAndStopAsync()
    {
        TestServer server = await TestServer.StartAsync();
        await server.Otlp.ExportAsync(s_request);
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(801)), 2);
        return await server.StopAsync();
    }

    private static async Task AssertStoredOnceAsync(TestServer server)
    {
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(801)), 2);
        await server.Tempo.WaitForEmptyLogAsync();

        Assert.Equal(OtlpEquality.Canonical(s_request), OtlpEquality.Canonical(await server.Tempo.ReadTraceAsync(Hex(TraceId(801)))));
        Assert.Equal("2", await server.AskEngineAsync("SELECT count() FROM tracestore.spans"));
    }
}
