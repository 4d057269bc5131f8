using Google.Rpc;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

/// <summary>The disk: low, full, read-only; and what is dropped so that it doesn't come to that.</summary>
public class DiskTests
{
    private static readonly string[] s_tables = ["spans", "trace_buckets", "resources", "scopes", "operations", "attribute_values"];

    [Fact]
    public async Task Old_days_are_dropped_whole_from_every_table_and_it_is_counted()
    {
        TemporaryDirectory data = await StoreDaysAsync();
        await using TestServer server = await TestServer.StartAsync(data, null, ("Retention:MaxAge", "7d"));

        await server.Tempo.WaitForMetricAsync("tracestore_retention_days_dropped_total", value => value == 1);

        foreach (string table in s_tables)
        {
            Assert.Equal("20\n0", await server.AskEngineAsync($"SELECT DISTINCT today() - received_day FROM tracestore.{table} ORDER BY received_day")); // 30 is gone, 20 is next
        }
    }

    [Fact]
    public async Task Over_the_bound_on_size_all_days_but_the_newest_are_dropped()
    {
        TemporaryDirectory data = await StoreDaysAsync();
        await using TestServer server = await TestServer.StartAsync(data, null, ("Retention:MaxBytes", "1"));

        await server.Tempo.WaitForMetricAsync("tracestore_retention_days_dropped_total", value => value == 2);

        foreach (string table in s_tables) Assert.Equal("0", await server.AskEngineAsync($"SELECT DISTINCT today() - received_day FROM tracestore.{table}"));
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(1101)), 1);
    }

    [Fact]
    public async Task Below_the_logs_reserve_exports_are_refused_before_anything_fails()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Wal:MinFreeBytes", "1000TiB"));

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.Otlp.ExportAsync(Request(Resource("disk", Span(1102)))));

        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.Matches(@"^The disk of .*/wal is low: \d+ MiB are free, 1048576000 MiB are kept in reserve\. Make room", refused.Status.Detail);
        Assert.True(refused.GetRpcStatus()?.GetDetail<RetryInfo>()?.RetryDelay.ToTimeSpan() > TimeSpan.Zero);
        await server.Tempo.WaitForMetricAsync("tracestore_ingest_requests_refused_total", value => value == 1, "reason=\"disk_low\"");
        Assert.Contains("accepting spans: The disk of", await ReadyAsync(server), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Below_the_engines_reserve_spans_are_accepted_and_wait_in_the_log()
    {
        TemporaryDirectory data;
        await using (TestServer server = await TestServer.StartAsync(null, ("ClickHouse:MinFreeBytes", "1000TiB"), ("ShutdownTimeout", "1s")))
        {
            Assert.Null((await server.Otlp.ExportAsync(Request(Resource("disk", Span(1103))))).PartialSuccess);
            await Eventually.BeTrueAsync("the reason", async () => (await ReadyAsync(server)).Contains("storing spans: The disk of ClickHouse is low. Make room", StringComparison.Ordinal));
            data = await server.StopAsync();

            await using TestServer again = await TestServer.StartAsync(data);
            await again.Tempo.WaitForTraceAsync(Hex(TraceId(1103)), 1);
        }
    }

    [Fact]
    public async Task On_a_full_disk_nothing_is_lost_or_answered_wrong_and_all_goes_on_when_there_is_room()
    {
        Assert.SkipUnless(SmallDisk.CanMount, "only root may mount a small disk");
        var disk = new SmallDisk(1_500);
        await using TestServer server = await TestServer.StartAsync(disk, null, ("Wal:MinFreeBytes", "1MiB"), ("ClickHouse:MinFreeBytes", "0"));
        ExportTraceServiceRequest before = Request(Resource("disk", Span(1104))), during = Request(Resource("disk", Span(1105)));
        await server.Otlp.ExportAsync(before);
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(1104)), 1);

        string ballast = disk.Fill();
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.Otlp.ExportAsync(during));
        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.Contains("is low: 0 MiB are free", refused.Status.Detail, StringComparison.Ordinal);
        Assert.Contains("accepting spans: The disk of", await ReadyAsync(server), StringComparison.Ordinal);
        Assert.Equal(OtlpEquality.Canonical(before), OtlpEquality.Canonical(await server.Tempo.ReadTraceAsync(Hex(TraceId(1104))))); // not an empty answer

        File.Delete(ballast);
        await Eventually.BeTrueAsync("room", async () => (await ReadyAsync(server)).Contains("accepting spans: ok", StringComparison.Ordinal)); // free space is looked at four times a second
        await server.Otlp.ExportAsync(during);
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(1105)), 1);
        await Eventually.BeTrueAsync("readiness", () => server.Tempo.IsUpAsync("/readyz"));
        await server.Tempo.WaitForEmptyLogAsync();
        Assert.Equal("2", await server.AskEngineAsync("SELECT count() FROM tracestore.spans"));
    }

    [Fact]
    public async Task An_insert_whose_writes_the_disk_refused_is_not_taken_for_stored()
    {
        Assert.SkipUnless(SmallDisk.CanMount, "only root may mount a small disk");
        var disk = new SmallDisk(1_500);
        await using TestServer server = await TestServer.StartAsync(disk, null, ("Wal:MinFreeBytes", "1MiB"), ("ClickHouse:MinFreeBytes", "0"));
        int acknowledged = 0;
        for (int round = 0; round < 10; round++)
        {
            Task<string> filling = Task.Run(disk.Fill); // while spans are stored
            for (int i = 0; i < 20; i++)
            {
                try
                {
                    await server.Otlp.ExportAsync(Request(Resource("disk", Enumerable.Range(1, 500).Select(span => Span(2_000 + (round * 20) + i, span)))));
                    acknowledged += 500;
                }
                catch (RpcException)
                {
                    // refused: the disk is full by now
                }
            }

            File.Delete(await filling);
        }

        await Eventually.BeTrueAsync("readiness", () => server.Tempo.IsUpAsync("/readyz"));
        await server.Tempo.WaitForEmptyLogAsync();
        Assert.Equal($"{acknowledged}\t{acknowledged}", await server.AskEngineAsync("SELECT count(), uniqExact(trace_id, span_id) FROM tracestore.spans"));
        Assert.Equal("1", await server.AskEngineAsync("CHECK TABLE tracestore.spans SETTINGS check_query_single_value_result = 1"));
    }

    [Fact]
    public async Task On_a_disk_that_becomes_read_only_exports_are_refused_and_queries_answered()
    {
        Assert.SkipUnless(SmallDisk.CanMount, "only root may mount a small disk");
        var disk = new SmallDisk(1_500);
        await using TestServer server = await TestServer.StartAsync(disk);
        ExportTraceServiceRequest before = Request(Resource("disk", Span(1106))), after = Request(Resource("disk", Span(1107)));
        await server.Otlp.ExportAsync(before);
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(1106)), 1);
        await server.Tempo.WaitForEmptyLogAsync();
        string wal = Path.Combine(disk.Path, "wal");
        SmallDisk.BindReadOnly(wal);
        try
        {
            RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.Otlp.ExportAsync(after));
            Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
            Assert.Contains("The write-ahead log can't be written: Read-only file system", refused.Status.Detail, StringComparison.Ordinal);
            Assert.Equal(OtlpEquality.Canonical(before), OtlpEquality.Canonical(await server.Tempo.ReadTraceAsync(Hex(TraceId(1106)))));
        }
        finally
        {
            SmallDisk.Unbind(wal);
        }

        await server.Otlp.ExportAsync(after);
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(1107)), 1);
    }

    private static async Task<string> ReadyAsync(TestServer server)
    {
        using HttpResponseMessage response = await server.Tempo.GetAsync("/readyz");
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task<TemporaryDirectory> StoreDaysAsync()
    {
        TestServer server = await TestServer.StartAsync();
        OpenTelemetry.Proto.Trace.V1.Span span = Span(1101);
        span.Attributes.Add(Attribute("key", "value"));
        await server.Otlp.ExportAsync(Request(Resource("disk", span)));
        await server.Tempo.WaitForEmptyLogAsync();
        foreach (int age in (int[])[20, 30])
        {
            foreach (string table in s_tables) await server.AskEngineAsync($"INSERT INTO tracestore.{table} SELECT * REPLACE (toDate(today() - {age}) AS received_day) FROM (SELECT * FROM tracestore.{table} WHERE received_day = today())");
        }

        return await server.StopAsync();
    }
}
