using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>Snapshots as an operator has them: by commands, from a TraceStore that runs, in a store that rots.</summary>
public sealed class SnapshotCommandTests : IDisposable
{
    private readonly TemporaryDirectory _place = new();

    private string Archive => Path.Combine(_place.Path, "archive");

    private string Data => Path.Combine(_place.Path, "data");

    [Fact]
    public async Task Snapshots_are_taken_listed_shown_verified_pinned_and_deleted()
    {
        Assert.Equal((1, "", $"There are no snapshots in {Archive} yet. One is taken by: tracestore snapshot create"), await RunAsync("show"));
        (int exitCode, string output, string errors) = await RunAsync("create");
        Assert.Equal((1, $"No TraceStore with an archive runs on {Data} for this user. A snapshot is taken by the one that runs: start it, with --archive."), (exitCode, errors));

        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(Data, "--archive", Archive, "--set", "Archive:MaxDelay=100ms", "--set", "ClickHouse:MaxBlockAge=0s");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(Path.Combine(Data, "control.sock")));
        string first = await TakeAsync(server, 1), second = await TakeAsync(server, 2);

        (_, output, _) = await RunAsync("list");
        string[] lines = [.. output.Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];
        Assert.StartsWith($"{first} 1 ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith($"{second} 2 ", lines[2], StringComparison.Ordinal);
        Assert.EndsWith("never", lines[2], StringComparison.Ordinal);
        (_, output, _) = await RunAsync("show", first);
        Assert.Contains("segments 1 to 1, 1 spans", output, StringComparison.Ordinal);
        Assert.Contains("Setting    Archive:MaxDelay=100ms", output, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync("verify")).ExitCode);
        (exitCode, _, errors) = await RunAsync("delete", second);
        Assert.Equal((1, $"Snapshot {second} is the only one that is verified. Verify another first: tracestore snapshot verify"), (exitCode, errors));
        Assert.Equal(0, (await RunAsync("pin", first)).ExitCode);
        (exitCode, _, errors) = await RunAsync("delete", first);
        Assert.Equal((1, $"Snapshot {first} is pinned. To delete it: tracestore snapshot unpin {first}"), (exitCode, errors));
        (exitCode, output, errors) = await TraceStoreProcess.RunAsync("archive", "explain", "--archive", Archive);
        Assert.True(exitCode == 0, errors);
        Assert.Contains("it is pinned", output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("unpin", first)).ExitCode);
        Assert.Equal(0, (await RunAsync("delete", first)).ExitCode);
        Assert.Equal((1, "", $"There is no snapshot {first} in {Archive}. See: tracestore snapshot list"), await RunAsync("show", first));
        (exitCode, _, errors) = await RunAsync("delete", second);
        Assert.Equal((1, $"Snapshot {second} is the only one. Take another first: tracestore snapshot create"), (exitCode, errors));
        Assert.Equal((1, "", "ID nonsense: expected a snapshot's name, such as 20261126T101500.000Z-1-4711. See: tracestore snapshot list"), await RunAsync("show", "nonsense"));
    }

    [Fact]
    public async Task Damage_in_the_store_is_named_and_never_restored()
    {
        string id;
        using (TraceStoreProcess server = await TraceStoreProcess.ServeAsync(Data, "--archive", Archive, "--set", "Archive:MaxDelay=100ms", "--set", "ClickHouse:MaxBlockAge=0s"))
        {
            id = await TakeAsync(server, 1);
            Assert.Equal(0, await server.StopAsync());
        }

        // A part with a flipped byte
        string pack = Directory.GetFiles(Path.Combine(Archive, "packs")).MaxBy(file => new FileInfo(file).Length)!;
        string name = SnapshotNames.Pack(Path.GetFileName(pack));
        byte[] content = await File.ReadAllBytesAsync(pack), damaged = [.. content];
        damaged[700] ^= 1;
        await File.WriteAllBytesAsync(pack, damaged);
        (int exitCode, _, string errors) = await RunAsync("verify");
        Assert.Equal(1, exitCode);
        Assert.StartsWith($"{name} in {Archive} is damaged: its files have other contents than its SHA256SUMS say, ", errors, StringComparison.Ordinal);

        // What is known to be damaged is passed over: the log alone has it all
        (exitCode, string output, errors) = await RestoreAsync();
        Assert.True(exitCode == 0, errors);
        Assert.Contains($"were found damaged: {name}. An earlier one is used", errors, StringComparison.Ordinal);
        Assert.Contains("Restored 1 spans", output, StringComparison.Ordinal);
        Directory.Delete(Path.Combine(_place.Path, "second"), recursive: true);
        Directory.Delete(Path.Combine(Archive, "condemned"), recursive: true);

        // What isn't is found
        (exitCode, _, errors) = await RestoreAsync();
        Assert.Equal(1, exitCode);
        Assert.StartsWith($"{name} in {Archive} is damaged: ", errors, StringComparison.Ordinal);
        Assert.True(RestoreJournal.IsIn(Path.Combine(_place.Path, "second")));

        // Swapped with another, and missing
        await File.WriteAllBytesAsync(pack, await File.ReadAllBytesAsync(Directory.GetFiles(Path.Combine(Archive, "packs")).MinBy(file => new FileInfo(file).Length)!));
        (exitCode, _, errors) = await RestoreAsync();
        Assert.Equal(1, exitCode);
        Assert.StartsWith($"{name} in {Archive} is damaged: its SHA256SUMS are others than its name says", errors, StringComparison.Ordinal);
        File.Delete(pack);
        (exitCode, _, errors) = await RestoreAsync();
        Assert.Equal(1, exitCode);
        Assert.Matches($@"^{name} is missing in {Archive}\.\nIt goes on from there when that is mended\. .* restore --by ID, or --by none$", errors);

        // Mended, it goes on from there; and what was set travels
        await File.WriteAllBytesAsync(pack, content);
        (exitCode, output, errors) = await RestoreAsync();
        Assert.True(exitCode == 0, errors);
        Assert.Contains("Restored 1 spans", output, StringComparison.Ordinal);

        // A manifest that is damaged is passed over: the log alone has it all
        Directory.Delete(Path.Combine(_place.Path, "second"), recursive: true);
        string manifest = Path.Combine(Archive, "snapshots", id, "manifest.json");
        byte[] text = await File.ReadAllBytesAsync(manifest);
        text[text.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(manifest, text);
        (exitCode, output, errors) = await RestoreAsync();
        Assert.True(exitCode == 0, errors);
        Assert.StartsWith($"snapshots/{id}/manifest.json in {Archive} can't be read: its content has another SHA-256 than it says: it was cut or changed. An earlier one is used", errors, StringComparison.Ordinal);
        Assert.Contains("Restored 1 spans", output, StringComparison.Ordinal);
    }

    /// <summary>A table that somebody dropped, a disk that came back empty: the next snapshot would say that all is well.</summary>
    [Fact]
    public async Task What_was_lost_is_told_and_not_hidden_by_the_next_snapshot()
    {
        string first, second;
        using (TraceStoreProcess server = await TraceStoreProcess.ServeAsync(Data, "--archive", Archive, "--set", "Archive:MaxDelay=100ms", "--set", "ClickHouse:MaxBlockAge=0s"))
        {
            first = await TakeAsync(server, 1);
            await EngineQuestion.AskAsync(Data, "TRUNCATE TABLE tracestore.spans");
            (int code, _, string refusal) = await RunAsync("create");
            Assert.Equal(1, code);
            Assert.Matches($@"^Of \d{{8}}, 0 spans are stored, where snapshot {first} has 1: spans were lost, so no snapshot is taken that would hide it\. Bring them back: .* --accept-loss$", refusal);
            (code, string taken, refusal) = await RunAsync("create", "--accept-loss");
            Assert.True(code == 0, refusal);
            second = taken[(taken.IndexOf("Taken: ", StringComparison.Ordinal) + 7)..].Trim();
            Assert.Equal(0, await server.StopAsync());
        }

        // By way of the one before, or of none, all is there
        (int exitCode, string output, string errors) = await RestoreAsync("--by", first);
        Assert.True(exitCode == 0, errors);
        Assert.Contains("Restored 1 spans", output, StringComparison.Ordinal);
        Directory.Delete(Path.Combine(_place.Path, "second"), recursive: true);
        (_, output, _) = await RestoreAsync("--by", "none");
        Assert.Contains("Restored 1 spans", output, StringComparison.Ordinal);
        Directory.Delete(Path.Combine(_place.Path, "second"), recursive: true);
        (_, output, _) = await RestoreAsync("--snapshot", second);
        Assert.Contains("Restored 0 spans", output, StringComparison.Ordinal);
    }

    /// <summary>A part that rots in the store is found, and made anew from the live one.</summary>
    [Fact]
    public async Task Damage_that_is_found_is_healed_by_the_next_snapshot()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(Data, "--archive", Archive, "--set", "Archive:MaxDelay=100ms", "--set", "ClickHouse:MaxBlockAge=0s");
        await TakeAsync(server, 1);
        string pack = Directory.GetFiles(Path.Combine(Archive, "packs")).MaxBy(file => new FileInfo(file).Length)!;
        byte[] content = await File.ReadAllBytesAsync(pack);
        byte[] damaged = [.. content];
        damaged[700] ^= 1;
        await File.WriteAllBytesAsync(pack, damaged);
        Assert.Equal(1, (await RunAsync("verify")).ExitCode);
        Assert.Equal(0, (await RunAsync("create")).ExitCode);
        Assert.Equal(content, await File.ReadAllBytesAsync(pack));
        Assert.Equal(0, (await RunAsync("verify")).ExitCode);

        await File.WriteAllBytesAsync(pack, content[..^1]); // one that was cut is seen without looking into it
        Assert.Equal(0, (await RunAsync("create")).ExitCode);
        Assert.Equal(content, await File.ReadAllBytesAsync(pack));
    }

    [Fact]
    public async Task A_drill_restores_for_real_compares_sees_damage_and_is_remembered()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(Data, "--archive", Archive, "--set", "Archive:MaxDelay=100ms", "--set", "ClickHouse:MaxBlockAge=200ms");
        await TakeAsync(server, 1);
        await TraceStoreProcess.RunAsync("load", "--url", $"http://127.0.0.1:{server.OtlpPort}", "--spans", "5000");
        await EngineQuestion.UntilAsync(Data, "SELECT count() FROM tracestore.spans", "5001");

        string[] drill = ["drill", "--data", Data, "--archive", Archive];
        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync(drill);
        Assert.True(exitCode == 0, output + errors);
        Assert.Matches(@"RTO +\d+\.\d s to 5001 spans verified, and a trace found", output);
        Assert.Matches(@"Held against the TraceStore that runs: 1 days, 5001 spans up to segment \d+, counts and hashes equal", output);
        Assert.False(Directory.Exists(Path.Combine(Data, "drill")), "it cleans up");

        // A span that the store has lost is seen; so is a byte that has rotted
        await EngineQuestion.AskAsync(Data, "ALTER TABLE tracestore.spans DELETE WHERE start_time_unix_nano = (SELECT min(start_time_unix_nano) FROM tracestore.spans) SETTINGS mutations_sync = 1");
        (exitCode, output, _) = await TraceStoreProcess.RunAsync(drill);
        Assert.Equal(1, exitCode);
        Assert.Matches(@"Failed +Of \d{4}-\d\d-\d\d, 5000 spans are stored up to segment \d+ \(.*\), and 5001 \(.*\) were restored\.", output);
        (exitCode, output, _) = await TraceStoreProcess.RunAsync([.. drill, "--sabotage"]);
        Assert.Equal(1, exitCode);
        Assert.Contains("The damage was seen, as it must be.", output, StringComparison.Ordinal);

        (_, output, _) = await TraceStoreProcess.RunAsync([.. drill, "--history"]);
        Assert.Equal(3, output.Split('\n').Length); // a header, and two that aren't sabotaged
        (exitCode, output, _) = await TraceStoreProcess.RunAsync("plan", "--data", Data, "--archive", Archive);
        Assert.Equal(1, exitCode);
        Assert.Contains("The last drill, of ", output, StringComparison.Ordinal);
        Assert.Contains("measured by the drill of ", output, StringComparison.Ordinal);

        // In a place that isn't a drill's, nothing is touched
        string precious = Path.Combine(Directory.CreateDirectory(Path.Combine(_place.Path, "mine")).FullName, "precious");
        await File.WriteAllTextAsync(precious, "x");
        (exitCode, output, _) = await TraceStoreProcess.RunAsync([.. drill, "--scratch", Path.GetDirectoryName(precious)!]);
        Assert.Equal(1, exitCode);
        Assert.Contains("holds something else than a drill's. Choose another place with --scratch.", output, StringComparison.Ordinal);
        Assert.True(File.Exists(precious));

        // By itself, when it is time
        Assert.Equal(0, await server.StopAsync());
        using TraceStoreProcess rehearsing = await TraceStoreProcess.ServeAsync(Data, "--archive", Archive, "--set", "Archive:DrillEvery=1s");
        await Eventually.BeTrueAsync("a drill", async () => (await TraceStoreProcess.RunAsync([.. drill, "--history"])).Output.Split('\n').Length == 4, seconds: 60);
    }

    public void Dispose() => _place.Dispose();

    private async Task<string> TakeAsync(TraceStoreProcess server, int trace)
    {
        using var otlp = new OtlpClient(server.OtlpPort);
        await otlp.ExportAsync(Request(Resource("snapshot", Span(3_000 + trace))));
        await EngineQuestion.UntilAsync(Data, "SELECT count() FROM tracestore.spans", $"{trace}");
        (int exitCode, string output, string errors) = await RunAsync("create");
        Assert.True(exitCode == 0, errors);
        return output[(output.IndexOf("Taken: ", StringComparison.Ordinal) + 7)..].Trim();
    }

    private Task<(int ExitCode, string Output, string Errors)> RunAsync(string verb, params string[] arguments) =>
        TraceStoreProcess.RunAsync(["snapshot", verb, .. arguments, "--data", Data, "--archive", Archive]);

    private Task<(int ExitCode, string Output, string Errors)> RestoreAsync(params string[] more) =>
        TraceStoreProcess.RunAsync(["restore", "--from", Archive, "--data", Path.Combine(_place.Path, "second"), .. more]);
}
