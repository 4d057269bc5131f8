namespace TraceStore.Tests.Systems;

/// <summary>The disk that is restored to is too small: it is said, nothing is lost, and with more room it goes on.</summary>
public sealed class FullDiskRestoreTests : IDisposable
{
    private const int InSnapshot = 200_000, Behind = 100_000;

    private readonly TemporaryDirectory _place = new();

    [Theory(Skip = "Only root may mount a small disk.", SkipUnless = nameof(SmallDisk.CanMount), SkipType = typeof(SmallDisk))]
    [InlineData(3, "No space left on device", "Make room there, and restore again")] // the snapshot doesn't fit
    [InlineData(45, "The disk of ClickHouse is low. Make room", "Mend it, and restore again")] // it does, and the log behind it isn't begun
    public async Task A_restore_to_a_full_disk_says_so_and_goes_on_when_there_is_room(int freeMebibytes, string cause, string hint)
    {
        string archive = Path.Combine(_place.Path, "archive"), first = Path.Combine(_place.Path, "first");
        using (TraceStoreProcess server = await TraceStoreProcess.ServeAsync(first, "--archive", archive, "--set", "ClickHouse:MaxBlockAge=200ms"))
        {
            await LoadAsync(server, InSnapshot);
            await EngineQuestion.UntilAsync(first, "SELECT count() FROM tracestore.spans", $"{InSnapshot}");
            (int code, _, string failure) = await TraceStoreProcess.RunAsync("snapshot", "create", "--data", first, "--archive", archive);
            Assert.True(code == 0, failure);
            await LoadAsync(server, Behind);
            Assert.Equal(0, await server.StopAsync());
        }

        using var disk = new SmallDisk(700);
        string second = Path.Combine(disk.Path, "second"), ballast = disk.Fill();
        using (FileStream file = File.OpenWrite(ballast)) file.SetLength(file.Length - ((long)freeMebibytes << 20));
        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync("restore", "--from", archive, "--data", second, "--set", "ClickHouse:MinFreeBytes=64MiB");
        Assert.True(exitCode == 1, $"{exitCode}: {output}");
        Assert.Contains(cause, errors, StringComparison.Ordinal);
        Assert.Contains(hint, errors, StringComparison.Ordinal);

        File.Delete(ballast);
        (exitCode, output, errors) = await TraceStoreProcess.RunAsync("restore", "--from", archive, "--data", second, "--set", "ClickHouse:MinFreeBytes=64MiB");
        Assert.True(exitCode == 0, errors);
        Assert.Contains($"Restored {InSnapshot + Behind} spans", output, StringComparison.Ordinal);
        using TraceStoreProcess restored = await TraceStoreProcess.ServeAsync(second);
        Assert.Equal($"{InSnapshot + Behind}", await EngineQuestion.AskAsync(second, "SELECT count() FROM tracestore.spans"));
    }

    public void Dispose() => _place.Dispose();

    private static async Task LoadAsync(TraceStoreProcess server, int spans)
    {
        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("load", "--url", $"http://127.0.0.1:{server.OtlpPort}", "--spans", $"{spans}");
        Assert.True(exitCode == 0, errors);
    }
}
