using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>A new binary goes on with what an old one left: its log, its cursor, its tables.</summary>
public sealed class GoldenTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    public static TheoryData<string> Versions => [.. GoldenFiles.Versions];

    public void Dispose() => _data.Dispose();

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task The_data_directory_of_an_older_version_is_read_whole(string version)
    {
        await GoldenFiles.UnpackAsync(version, _data.Path);
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);
        using var tempo = new HttpClient { BaseAddress = server.TempoUrl };

        for (int number = 1; number <= 3; number++)
        {
            var expected = number == 3 ? GoldenFiles.InLog : GoldenFiles.Stored[number - 1];
            Assert.Equal(OtlpEquality.Canonical(expected), OtlpEquality.Canonical(await tempo.WaitForTraceAsync(Hex(TraceId(9_000 + number)), 2)));
        }

        string found = await tempo.GetStringAsync("/api/search?q=" + Uri.EscapeDataString("{span.text = \"käse\"}"), TestContext.Current.CancellationToken);
        for (int number = 1; number <= 3; number++) Assert.Contains(Hex(TraceId(9_000 + number)), found, StringComparison.Ordinal);
        await tempo.WaitForEmptyLogAsync();
        Assert.Equal("6\t6", await EngineQuestion.AskAsync(_data.Path, "SELECT count(), uniqExact(trace_id, span_id) FROM tracestore.spans"));
        using var otlp = new OtlpClient(server.OtlpPort);
        await otlp.ExportAsync(Request(Resource("golden", Span(9_100))));
        await tempo.WaitForTraceAsync(Hex(TraceId(9_100)), 1);
    }

    /// <summary>Writes a data directory; tests/Golden/README.md says when and how.</summary>
    [Fact(Explicit = true)]
    public async Task Write()
    {
        string version = Environment.GetEnvironmentVariable("GOLDEN_VERSION") ?? throw new InvalidOperationException("Set GOLDEN_VERSION.");
        using (TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path))
        {
            using var otlp = new OtlpClient(server.OtlpPort);
            foreach (var request in GoldenFiles.Stored) await otlp.ExportAsync(request);
            Assert.Equal(0, await server.StopAsync());
        }

        using (TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path, "--set", "Wal:MaxSegmentAge=60s"))
        {
            using var otlp = new OtlpClient(server.OtlpPort);
            await otlp.ExportAsync(GoldenFiles.InLog);
            int engine = server.Children().Single();
            server.Kill();
            await Eventually.BeTrueAsync("the engine's end", () => Task.FromResult(!TraceStoreProcess.IsRunning(engine)));
        }

        GoldenFiles.Pack(version, _data.Path);
    }
}
