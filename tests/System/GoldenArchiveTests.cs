using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>What an older version archived is restored by every later one: half of it from a snapshot, half from the log, plain and encrypted.</summary>
public sealed class GoldenArchiveTests : IDisposable
{
    private readonly TemporaryDirectory _place = new();

    public static TheoryData<string> Versions => [.. GoldenFiles.Archives];

    public void Dispose() => _place.Dispose();

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task The_archive_of_an_older_version_is_restored_whole(string version)
    {
        await GoldenFiles.UnpackAsync(version, _place.Path);
        foreach (string kind in new[] { "plain", "encrypted" })
        {
            string data = Path.Combine(_place.Path, $"restored-{kind}");
            (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync(["restore", "--from", Path.Combine(_place.Path, kind), "--data", data, .. KeyOf(kind)]);
            Assert.True(exitCode == 0, errors);
            Assert.Contains("\nSnapshot  ", output, StringComparison.Ordinal);
            Assert.Contains("Restored 6 spans", output, StringComparison.Ordinal);
            using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(data);
            using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
            for (int number = 1; number <= 3; number++)
            {
                var expected = number == 3 ? GoldenFiles.InLog : GoldenFiles.Stored[number - 1];
                Assert.Equal(OtlpEquality.Canonical(expected), OtlpEquality.Canonical(await tempo.WaitForTraceAsync(Hex(TraceId(9_000 + number)), 2)));
            }
        }
    }

    /// <summary>Writes archives; tests/Golden/README.md says when and how.</summary>
    [Fact(Explicit = true)]
    public async Task Write()
    {
        string version = Environment.GetEnvironmentVariable("GOLDEN_VERSION") ?? throw new InvalidOperationException("Set GOLDEN_VERSION.");
        string archives = Directory.CreateDirectory(Path.Combine(_place.Path, "archives")).FullName;
        Assert.Equal(0, (await TraceStoreProcess.RunAsync("archive", "key", Path.Combine(archives, "key"))).ExitCode);
        foreach (string kind in new[] { "plain", "encrypted" })
        {
            string data = Path.Combine(_place.Path, $"data-{kind}");
            string[] archive = ["--archive", Path.Combine(archives, kind), .. kind == "encrypted" ? new[] { "--set", $"Archive:KeyFile={Path.Combine(archives, "key")}" } : []];
            using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(data, [.. archive, "--set", "ClickHouse:MaxBlockAge=0s"]);
            using var otlp = new OtlpClient(server.OtlpPort);
            foreach (var request in GoldenFiles.Stored) await otlp.ExportAsync(request);
            await EngineQuestion.UntilAsync(data, "SELECT count() FROM tracestore.spans", "4");
            (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync(["snapshot", "create", "--data", data, .. archive]);
            Assert.True(exitCode == 0, errors);
            await otlp.ExportAsync(GoldenFiles.InLog);
            Assert.Equal(0, await server.StopAsync());
        }

        GoldenFiles.Pack(Path.Combine("archives", version), archives);
    }

    private string[] KeyOf(string kind) => kind == "encrypted" ? ["--set", $"Archive:KeyFile={Path.Combine(_place.Path, "key")}"] : [];
}
