using TraceStore.Storage.Wal;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

public sealed class QuarantineCommandTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task What_is_set_aside_is_shown_with_its_reason_and_given_back()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path, "--set", "ClickHouse:MaxBlockAge=0s");
        Assert.Equal((0, "The quarantine is empty."), await RunAsync());
        await EngineQuestion.AskAsync(_data.Path, "ALTER TABLE tracestore.spans ADD CONSTRAINT no_poison CHECK name != 'poison'");
        using (var otlp = new OtlpClient(server.OtlpPort)) await otlp.ExportAsync(Request(Resource("quarantine", Span(721, name: "poison"))));
        var quarantine = new Quarantine(Path.Combine(_data.Path, "wal"));
        await Eventually.BeTrueAsync("the quarantine", () => Task.FromResult(quarantine.Count == 1));

        (int exitCode, string output) = await RunAsync();
        Assert.Equal(0, exitCode);
        Assert.Matches(@"^0{19}1\.wal  \d+ bytes  set aside [0-9: -]+ UTC\n  ClickHouse refused a statement: .*no_poison", output);
        Assert.EndsWith("quarantine replay", output, StringComparison.Ordinal);

        (exitCode, output) = await RunAsync("replay");
        Assert.Equal(1, exitCode);
        Assert.StartsWith("00000000000000000001.wal: refused again. ClickHouse refused a statement", output, StringComparison.Ordinal);

        await EngineQuestion.AskAsync(_data.Path, "ALTER TABLE tracestore.spans DROP CONSTRAINT no_poison");
        Assert.Equal((0, "00000000000000000001.wal: stored."), await RunAsync("replay", "00000000000000000001.wal"));
        using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
        Assert.Single(await tempo.ReadTraceAsync(Hex(TraceId(721))));
        Assert.Equal((0, "The quarantine is empty."), await RunAsync());
    }

    [Fact]
    public async Task With_no_server_running_a_segment_is_stored_at_the_next_start()
    {
        using (TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path))
        {
            await EngineQuestion.AskAsync(_data.Path, "ALTER TABLE tracestore.spans ADD CONSTRAINT no_poison CHECK name != 'poison'");
            using (var otlp = new OtlpClient(server.OtlpPort)) await otlp.ExportAsync(Request(Resource("quarantine", Span(722, name: "poison"))));
            var quarantine = new Quarantine(Path.Combine(_data.Path, "wal"));
            await Eventually.BeTrueAsync("the quarantine", () => Task.FromResult(quarantine.Count == 1));
            await EngineQuestion.AskAsync(_data.Path, "ALTER TABLE tracestore.spans DROP CONSTRAINT no_poison");
            Assert.Equal(0, await server.StopAsync());
        }

        Assert.Equal((0, "Given back 1: they are stored when TraceStore is started."), await RunAsync("replay"));

        using TraceStoreProcess again = await TraceStoreProcess.ServeAsync(_data.Path, "--set", "ClickHouse:MaxBlockAge=0s");
        using var tempo = new HttpClient { BaseAddress = again.TempoUrl };
        await tempo.WaitForTraceAsync(Hex(TraceId(722)), 1);
    }

    [Fact]
    public async Task A_name_or_a_directory_that_is_not_there_is_told()
    {
        Directory.CreateDirectory(Path.Combine(_data.Path, "wal"));
        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("quarantine", "--data", _data.Path, "replay", "7.wal");
        Assert.Equal((1, "7.wal: there is no such segment in the quarantine."), (exitCode, errors));

        (exitCode, _, errors) = await TraceStoreProcess.RunAsync("quarantine", "--data", Path.Combine(_data.Path, "nothing"));
        Assert.Equal((1, $"There is no write-ahead log in {_data.Path}/nothing/wal. Say where the data is with --data, or where the log is with --wal."), (exitCode, errors));
    }

    private async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        (int exitCode, string output, _) = await TraceStoreProcess.RunAsync(["quarantine", "--data", _data.Path, .. arguments]);
        return (exitCode, output);
    }
}
