using System.Diagnostics;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>Starts on what shouldn't be, and stops that can't finish: each is said, with what to do.</summary>
public sealed class StartStopTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    private string Engine => Path.Combine(_data.Path, "engine");

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task A_stop_that_cannot_store_everything_keeps_to_its_time_and_says_what_is_left()
    {
        string[] away = ["--clickhouse", $"http://127.0.0.1:{ExternalClickHouse.FreePort()}", "--set", "ShutdownTimeout=3s"];
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path, away);
        using (var otlp = new OtlpClient(server.OtlpPort)) await otlp.ExportAsync(Request(Resource("stop", Span(711))));

        long started = Stopwatch.GetTimestamp();
        Assert.Equal(0, await server.StopAsync());

        Assert.InRange(Stopwatch.GetElapsedTime(started).TotalSeconds, 0, 10);
        Assert.Matches(@"Stopped\. 1 segments \(\d+ KiB\) are not stored yet: the write-ahead log keeps them for the next start\.", server.Output);
        using TraceStoreProcess again = await TraceStoreProcess.ServeAsync(_data.Path);
        using var tempo = new HttpClient { BaseAddress = again.TempoUrl };
        await tempo.WaitForTraceAsync(Hex(TraceId(711)), 1);
    }

    [Fact]
    public async Task A_second_process_on_the_directory_is_told_which_process_has_it()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);

        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("--data", _data.Path, "--otlp-grpc-port", "0", "--otlp-http-port", "0", "--tempo-port", "0", "--jaeger-port", "0");

        Assert.Equal(1, exitCode);
        Assert.Equal($"TraceStore can't start:\n  Another TraceStore (process {server.Id}) uses {_data.Path}. Stop it, or give this one a data directory of its own with --data.", errors);
    }

    [Fact]
    public async Task More_than_a_hundred_damaged_parts_are_refused_with_the_way_out_which_works()
    {
        await DamagePartsAsync(101);

        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("--data", _data.Path, "--otlp-grpc-port", "0", "--otlp-http-port", "0", "--tempo-port", "0", "--jaeger-port", "0");
        string flag = Path.Combine(Engine, "tables", "flags", "force_restore_data");
        Assert.Equal(1, exitCode);
        Assert.Contains($"Many parts of a table are damaged. Check the disk first. To go on without them, create the file {flag} and start again", errors, StringComparison.Ordinal);

        Directory.CreateDirectory(Path.GetDirectoryName(flag)!);
        await File.WriteAllTextAsync(flag, "", TestContext.Current.CancellationToken);
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);
        Assert.Contains("ClickHouse has set aside 101 damaged parts", server.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_few_damaged_parts_are_set_aside_and_told()
    {
        await DamagePartsAsync(2);

        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);

        Assert.Contains("ClickHouse has set aside 2 damaged parts at this start or an earlier one: spans broken-on-start_", server.Errors, StringComparison.Ordinal);
        Assert.Contains("Check the disk", server.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tables_that_are_gone_are_told()
    {
        await StoreAndStopAsync();
        Directory.Delete(Engine, recursive: true);

        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);

        Assert.Contains("ClickHouse is empty, though the write-ahead log has been stored there up to segment 1. Is its disk not mounted, or was it replaced?", server.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Starts_without_a_span_between_them_have_lost_nothing_and_say_nothing()
    {
        for (int start = 1; start <= 2; start++)
        {
            using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);
            Assert.Equal(0, await server.StopAsync());
            Assert.Equal("", server.Errors);
        }
    }

    [Fact]
    public async Task A_log_that_is_gone_is_told()
    {
        await StoreAndStopAsync();
        Directory.Delete(Path.Combine(_data.Path, "wal"), recursive: true);

        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);

        Assert.Contains("The write-ahead log is new, though ClickHouse holds tables of TraceStore. Is the log's disk not mounted?", server.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_read_only_disk_is_told()
    {
        Assert.SkipUnless(SmallDisk.CanMount, "only root may mount a disk");
        await StoreAndStopAsync();
        SmallDisk.BindReadOnly(_data.Path);
        try
        {
            (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("--data", _data.Path, "--otlp-grpc-port", "0", "--otlp-http-port", "0", "--tempo-port", "0", "--jaeger-port", "0");

            Assert.Equal(1, exitCode);
            Assert.Contains($"Can't use {_data.Path}: Read-only file system", errors, StringComparison.Ordinal);
            Assert.Contains("Is the disk mounted, writable and not full?", errors, StringComparison.Ordinal);
        }
        finally
        {
            SmallDisk.Unbind(_data.Path);
        }
    }

    private async Task StoreAndStopAsync()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);
        using (var otlp = new OtlpClient(server.OtlpPort)) await otlp.ExportAsync(Request(Resource("stop", Span(712))));
        Assert.Equal(0, await server.StopAsync());
    }

    private async Task DamagePartsAsync(int count)
    {
        using (TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path))
        {
            await EngineQuestion.AskAsync(_data.Path, "SYSTEM STOP MERGES tracestore.spans");
            for (int part = 1; part <= count; part++) await EngineQuestion.AskAsync(_data.Path, $"INSERT INTO tracestore.spans (received_day, seg) SELECT today(), {part}");
            Assert.Equal(0, await server.StopAsync());
        }

        string table = new DirectoryInfo(Path.Combine(Engine, "tables", "data", "tracestore", "spans")).ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        foreach (string part in Directory.GetDirectories(table).Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            await File.WriteAllBytesAsync(Path.Combine(part, "data.bin"), [], TestContext.Current.CancellationToken);
        }
    }
}
