using System.Globalization;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>A site is lost, and comes back from its archive: real processes, killed for real, directories deleted for real.</summary>
public sealed class RestoreTests : IDisposable
{
    private readonly TemporaryDirectory _place = new();

    private string Archive => Path.Combine(_place.Path, "archive");

    private DirectoryStore Store => new(Archive);

    [Fact]
    public async Task A_lost_site_comes_back_with_what_it_had_acknowledged_until_seconds_before()
    {
        // Under load the process is killed and its directory deleted
        const int rate = 5_000;
        using (TraceStoreProcess lost = await ServeAsync("first"))
        {
            Task<(int, string, string)> load = TraceStoreProcess.RunAsync("load", "--url", $"http://127.0.0.1:{lost.OtlpPort}", "--rate", $"{rate}", "--duration", "4");
            await load;
            lost.Kill();
        }

        Directory.Delete(DataOf("first"), recursive: true);

        // A new one has all but the last two seconds, and says how many
        (int exitCode, string output, string errors) = await RestoreAsync("second");
        Assert.True(exitCode == 0, errors);
        long restored = long.Parse(output[(output.IndexOf("Restored ", StringComparison.Ordinal) + 9)..].Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.InRange(restored, 4 * rate - 2 * rate, 4 * rate);

        // It serves, takes spans, and archives them in an epoch of its own, once the lost one's lease is over
        using (TraceStoreProcess second = await ServeAsync("second"))
        {
            using var tempo = new HttpClient { BaseAddress = second.TempoUrl };
            await Eventually.BeTrueAsync("the archive", async () => (await tempo.GetStringAsync("/readyz")).Contains("archiving: ok", StringComparison.Ordinal), seconds: 90);
            Assert.Equal($"{restored}", await EngineQuestion.AskAsync(DataOf("second"), "SELECT count() FROM tracestore.spans"));
            await ExportAsync(second, 1, 10);
            Assert.Equal(0, await second.StopAsync());
            Assert.DoesNotContain("The write-ahead log is new", second.Errors, StringComparison.Ordinal);
        }

        Assert.Equal(2, (await HeadAsync()).Epochs.Count);

        // And is lost as well
        Directory.Delete(DataOf("second"), recursive: true);
        (exitCode, output, errors) = await RestoreAsync("third");
        Assert.True(exitCode == 0, errors);
        Assert.Contains($"Restored {restored + 10} spans", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_instant_is_restored_to_the_record()
    {
        List<DateTimeOffset> instants = [];
        using (TraceStoreProcess server = await ServeAsync("first", "--set", "ClickHouse:MaxBlockAge=1s"))
        {
            for (int i = 0; i < 3; i++)
            {
                instants.Add(DateTimeOffset.UtcNow);
                await ExportAsync(server, i * 10, 10);
            }

            await EngineQuestion.UntilAsync(DataOf("first"), "SELECT count() FROM tracestore.spans", "30");
            Assert.Equal(0, (await TraceStoreProcess.RunAsync("snapshot", "create", "--data", DataOf("first"), "--archive", Archive)).ExitCode);
            Assert.Equal(0, await server.StopAsync());
        }

        for (int i = 1; i < 3; i++)
        {
            (int exitCode, string output, string errors) = await RestoreAsync("first", "--into", DataOf($"at-{i}"), "--to", instants[i].ToString("O", CultureInfo.InvariantCulture));
            Assert.True(exitCode == 0, errors);
            Assert.Contains($"Restored {i * 10} spans", output, StringComparison.Ordinal);
            Assert.False(File.Exists(Path.Combine(DataOf($"at-{i}"), "archive.json")), "a copy doesn't go on as the archive's writer");
        }

        (int wrong, _, string why) = await RestoreAsync("first", "--partition", "2026-11-26");
        Assert.Equal((1, "--partition: a part of what was there is only to be looked at. Say where, with --into DIR."), (wrong, why));
        (wrong, string none, why) = await RestoreAsync("first", "--into", DataOf("day"), "--partition", "2026-11-26");
        Assert.True(wrong == 0, why);
        Assert.Contains("Nothing of 2026-11-26 was there any more, or yet. An earlier snapshot may have it", none, StringComparison.Ordinal);

        // Gone back to an instant for good, less is there than the last snapshot had, and that is no loss
        (int code, _, string failure) = await RestoreAsync("back", "--to", instants[1].ToString("O", CultureInfo.InvariantCulture));
        Assert.True(code == 0, failure);
        using TraceStoreProcess back = await ServeAsync("back");
        using var tempo = new HttpClient { BaseAddress = back.TempoUrl };
        await Eventually.BeTrueAsync("the archive", async () => (await tempo.GetStringAsync("/readyz")).Contains("archiving: ok", StringComparison.Ordinal), seconds: 90);
        (code, _, failure) = await TraceStoreProcess.RunAsync("snapshot", "create", "--data", DataOf("back"), "--archive", Archive);
        Assert.True(code == 0, failure);
    }

    [Fact]
    public async Task A_restore_that_is_killed_time_and_again_goes_on_and_doubles_nothing()
    {
        using (TraceStoreProcess server = await ServeAsync("first", "--set", "ClickHouse:MaxBlockAge=1s"))
        {
            // Half of it is in a snapshot, and half behind it
            await TraceStoreProcess.RunAsync("load", "--url", $"http://127.0.0.1:{server.OtlpPort}", "--spans", "15000");
            await EngineQuestion.UntilAsync(DataOf("first"), "SELECT count() FROM tracestore.spans", "15000");
            Assert.Equal(0, (await TraceStoreProcess.RunAsync("snapshot", "create", "--data", DataOf("first"), "--archive", Archive)).ExitCode);
            await TraceStoreProcess.RunAsync("load", "--url", $"http://127.0.0.1:{server.OtlpPort}", "--spans", "15000");
            Assert.Equal(0, await server.StopAsync());
        }

        var random = new Random();
        int seed = random.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        random = new Random(seed);
        for (int i = 0; i < 10; i++)
        {
            using TraceStoreProcess restore = TraceStoreProcess.Begin("restore", "--from", Archive, "--data", DataOf("second"));
            await Task.Delay(random.Next(200, 2_000), TestContext.Current.CancellationToken);
            restore.Kill();
        }

        (int exitCode, _, string errors) = RestoreJournal.IsIn(DataOf("second")) || !Directory.Exists(Path.Combine(DataOf("second"), "engine")) ? await RestoreAsync("second") : (0, "", "");
        Assert.True(exitCode == 0, errors);
        using TraceStoreProcess second = await ServeAsync("second");
        Assert.Equal("30000", await EngineQuestion.AskAsync(DataOf("second"), "SELECT count() FROM tracestore.spans"));
        Assert.Equal("30000", await EngineQuestion.AskAsync(DataOf("second"), "SELECT uniqExact(trace_id, span_ids) FROM tracestore.spans"));
    }

    /// <summary>Back in service first, complete soon after; killed in between, and lost once more.</summary>
    [Fact]
    public async Task A_site_is_served_while_it_is_restored()
    {
        using (TraceStoreProcess server = await ServeAsync("first", "--set", "ClickHouse:MaxBlockAge=1s"))
        {
            await TraceStoreProcess.RunAsync("load", "--url", $"http://127.0.0.1:{server.OtlpPort}", "--spans", "20000");
            await EngineQuestion.UntilAsync(DataOf("first"), "SELECT count() FROM tracestore.spans", "20000");
            Assert.Equal(0, (await TraceStoreProcess.RunAsync("snapshot", "create", "--data", DataOf("first"), "--archive", Archive)).ExitCode);
            await TraceStoreProcess.RunAsync("load", "--url", $"http://127.0.0.1:{server.OtlpPort}", "--spans", "10000");
            await ExportAsync(server, 1, 1);
            Assert.Equal(0, await server.StopAsync());
        }

        int exported = 0;
        using (TraceStoreProcess second = await TraceStoreProcess.RestoreServedAsync(Archive, DataOf("second")))
        {
            await ExportAsync(second, 100 + exported, 5); // at once, and whatever is missing yet
            exported += 5;
            await Task.Delay(Random.Shared.Next(500), TestContext.Current.CancellationToken);
            second.Kill();
        }

        if (RestoreJournal.IsIn(DataOf("second")))
        {
            (int code, _, string refusal) = await TraceStoreProcess.RunAsync("serve", "--data", DataOf("second"), "--otlp-grpc-port", "0", "--otlp-http-port", "0", "--tempo-port", "0", "--jaeger-port", "0");
            Assert.Equal(1, code);
            Assert.Contains($"{DataOf("second")} is being restored from {Archive}. Go on with: ", refusal, StringComparison.Ordinal);
        }

        using (TraceStoreProcess second = await ServeAsync("second"))
        {
            using var tempo = new HttpClient { BaseAddress = second.TempoUrl };
            await ExportAsync(second, 100 + exported, 5);
            exported += 5;
            await Eventually.BeTrueAsync("all to be back", async () => !(await tempo.GetStringAsync("/readyz")).Contains("restoring: ", StringComparison.Ordinal), seconds: 60);
            Assert.False(RestoreJournal.IsIn(DataOf("second")));
            await tempo.WaitForTraceAsync(Hex(TraceId(2_001)), 1);
            Assert.DoesNotContain("PARTIAL", await tempo.GetStringAsync($"/api/v2/traces/{Hex(TraceId(2_001))}"), StringComparison.Ordinal);
            await Eventually.BeTrueAsync("the archive", async () => (await tempo.GetStringAsync("/readyz")).Contains("archiving: ok", StringComparison.Ordinal), seconds: 90);
            await tempo.WaitForEmptyLogAsync();
            string all = $"{30_001 + exported}";
            Assert.Equal($"{all}\t{all}", await EngineQuestion.AskAsync(DataOf("second"), "SELECT count(), uniqExact(trace_id, span_ids) FROM tracestore.spans"));
            Assert.Equal("0", await EngineQuestion.AskAsync(DataOf("second"), "SELECT countIf(create_table_query LIKE '%max_bytes_to_merge_at_max_space_in_pool%') FROM system.tables WHERE database = 'tracestore'"));
            Assert.Equal(0, await second.StopAsync());
        }

        // What it has received since is in the archive as well
        Directory.Delete(DataOf("second"), recursive: true);
        (int exitCode, string output, string errors) = await RestoreAsync("third");
        Assert.True(exitCode == 0, errors);
        Assert.Contains($"Restored {30_001 + exported} spans", output, StringComparison.Ordinal);
    }

    /// <summary>Whatever holds the restore up: spans are taken, answers say that they are partial and nothing of the cause, and it goes on when it can.</summary>
    [Fact]
    public async Task While_something_is_missing_every_answer_says_so()
    {
        using (TraceStoreProcess server = await ServeAsync("first", "--set", "ClickHouse:MaxBlockAge=0s"))
        {
            await ExportAsync(server, 1, 1);
            await EngineQuestion.UntilAsync(DataOf("first"), "SELECT count() FROM tracestore.spans", "1");
            Assert.Equal(0, (await TraceStoreProcess.RunAsync("snapshot", "create", "--data", DataOf("first"), "--archive", Archive)).ExitCode);
            Assert.Equal(0, await server.StopAsync());
        }

        string pack = Directory.GetFiles(Path.Combine(Archive, "packs")).MaxBy(file => new FileInfo(file).Length)!;
        byte[] content = await File.ReadAllBytesAsync(pack), damaged = [.. content];
        damaged[700] ^= 1;
        await File.WriteAllBytesAsync(pack, damaged);
        using TraceStoreProcess second = await TraceStoreProcess.RestoreServedAsync(Archive, DataOf("second"));
        using var tempo = new HttpClient { BaseAddress = second.TempoUrl };
        using var jaeger = new HttpClient { BaseAddress = second.JaegerUrl };
        await ExportAsync(second, 2, 1);
        await tempo.WaitForTraceAsync(Hex(TraceId(2_002)), 1);
        await Eventually.BeTrueAsync("the cause, for the operator", async () => (await tempo.GetStringAsync("/readyz")).Contains(" is damaged: ", StringComparison.Ordinal));
        foreach ((HttpClient http, string path, bool isTold) in new[]
        {
            (tempo, $"/api/v2/traces/{Hex(TraceId(2_001))}", true), (tempo, $"/api/v2/traces/{Hex(TraceId(2_002))}", true), (jaeger, $"/api/traces/{Hex(TraceId(2_002))}", true), (tempo, "/api/search?q={}", false),
        })
        {
            using HttpResponseMessage answer = await http.GetAsync(path, TestContext.Current.CancellationToken);
            string body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode, body);
            Assert.Matches(@"^TraceStore is being restored: \d+ % is back, the newest first; older spans may be missing\.$", Assert.Single(answer.Headers.GetValues("TraceStore-Partial")));
            Assert.Equal(isTold, body.Contains("older spans may be missing.", StringComparison.Ordinal));
            Assert.DoesNotContain("damaged", body, StringComparison.Ordinal);
        }

        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("snapshot", "create", "--data", DataOf("second"), "--archive", Archive);
        Assert.Equal(1, exitCode);
        (exitCode, _, errors) = await TraceStoreProcess.RunAsync("restore", "release", "--data", DataOf("second"));
        Assert.Equal(1, exitCode);
        Assert.Contains("is still being restored", errors, StringComparison.Ordinal);

        await File.WriteAllBytesAsync(pack, content);
        await Eventually.BeTrueAsync("all to be back", async () => !(await tempo.GetStringAsync("/readyz")).Contains("restoring: ", StringComparison.Ordinal), seconds: 60);
        await tempo.WaitForTraceAsync(Hex(TraceId(2_001)), 1);
        using HttpResponseMessage whole = await tempo.GetAsync($"/api/v2/traces/{Hex(TraceId(2_001))}", TestContext.Current.CancellationToken);
        Assert.False(whole.Headers.Contains("TraceStore-Partial"));
    }

    [Fact]
    public async Task What_is_archived_can_be_sent_to_any_endpoint_and_goes_on_where_it_was_broken_off()
    {
        using (TraceStoreProcess server = await ServeAsync("first"))
        {
            await TraceStoreProcess.RunAsync("load", "--url", $"http://127.0.0.1:{server.OtlpPort}", "--spans", "30000", "--rate", "20000");
            Assert.Equal(0, await server.StopAsync());
        }

        string position = Path.Combine(_place.Path, "position");
        using TraceStoreProcess elsewhere = await TraceStoreProcess.ServeAsync(DataOf("elsewhere"), "--set", "ClickHouse:MaxBlockAge=1s");
        string[] replay = ["archive", "replay", "--archive", Archive, "--to", $"http://127.0.0.1:{elsewhere.OtlpPort}", "--position", position];
        using (TraceStoreProcess broken = TraceStoreProcess.Begin([.. replay, "--rate", "3000"]))
        {
            await Eventually.BeTrueAsync("a first group", () => Task.FromResult(File.Exists(position)));
            broken.Kill();
        }

        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync([.. replay, "--protocol", "http/protobuf"]);
        Assert.True(exitCode == 0, errors);
        Assert.DoesNotContain("30000 spans sent", output, StringComparison.Ordinal);
        Assert.Contains("0 rejected, 0 requests refused", output, StringComparison.Ordinal);
        await EngineQuestion.UntilAsync(DataOf("elsewhere"), "SELECT uniqExact(trace_id, span_ids) FROM tracestore.spans", "30000");
        Assert.Equal("30000", await EngineQuestion.AskAsync(DataOf("elsewhere"), "SELECT count() FROM tracestore.spans")); // those that were sent twice are known for resent
    }

    [Fact]
    public async Task What_can_not_be_restored_is_refused_before_anything_is_touched()
    {
        (int exitCode, _, string errors) = await RestoreAsync("second");
        Assert.Equal((1, $"There is no archive in {Archive}: head.json is missing."), (exitCode, errors));
        Assert.False(Directory.Exists(Archive), "a wrong address isn't created");

        string key = Path.Combine(_place.Path, "key"), other = Path.Combine(_place.Path, "other");
        Assert.Equal(0, (await TraceStoreProcess.RunAsync("archive", "key", key)).ExitCode);
        Assert.Equal(0, (await TraceStoreProcess.RunAsync("archive", "key", other)).ExitCode);
        using (TraceStoreProcess server = await ServeAsync("first", "--set", $"Archive:KeyFile={key}"))
        {
            await ExportAsync(server, 0, 10);
            Assert.Equal(0, await server.StopAsync());
        }

        string[] withKey = ["--set", $"Archive:KeyFile={key}"];
        (exitCode, _, errors) = await RestoreAsync("second");
        Assert.Equal(1, exitCode);
        Assert.Contains("head.json in " + Archive + " is encrypted", errors, StringComparison.Ordinal);
        (exitCode, _, errors) = await RestoreAsync("second", "--set", $"Archive:KeyFile={other}");
        Assert.Equal(1, exitCode);
        Assert.Contains("it needs key ", errors, StringComparison.Ordinal);
        (exitCode, _, errors) = await RestoreAsync("second", [.. withKey, "--to", "2020-01-01T00:00:00Z"]);
        Assert.Equal(1, exitCode);
        Assert.Matches(@"^The archive begins at .*Z, after 2020-01-01 00:00:00Z\. Any instant from .*Z to .*Z can be restored\.$", errors);
        (exitCode, _, errors) = await RestoreAsync("second", [.. withKey, "--to", "2100-01-01T00:00:00Z"]);
        Assert.Equal(1, exitCode);
        Assert.StartsWith("The archive isn't known to be complete up to 2100-01-01 00:00:00Z.", errors, StringComparison.Ordinal);
        (exitCode, _, errors) = await RestoreAsync("second", [.. withKey, "--to", "2026-11-26T10:15:00"]);
        Assert.Equal((1, "--to 2026-11-26T10:15:00: expected an instant with its offset from UTC, such as 2026-11-26T10:15:00Z or 2026-11-26T11:15:00+01:00."), (exitCode, errors));
        (exitCode, string output, _) = await RestoreAsync("second", [.. withKey, "--dry-run"]);
        Assert.Equal(0, exitCode);
        Assert.Contains("To read   ", output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(DataOf("second")));

        (exitCode, output, _) = await TraceStoreProcess.RunAsync(["plan", "--data", DataOf("first"), "--archive", Archive, .. withKey]);
        Assert.Equal(1, exitCode);
        Assert.Contains("on the same disk as the data", string.Join(' ', output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);

        (exitCode, _, errors) = await RestoreAsync("first", withKey);
        Assert.Equal(1, exitCode);
        Assert.StartsWith($"{DataOf("first")} isn't empty: it holds archive.json, engine, wal", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_group_that_is_missing_or_damaged_is_named_and_nothing_is_served()
    {
        using (TraceStoreProcess server = await ServeAsync("first"))
        {
            for (int i = 0; i < 5; i++)
            {
                await ExportAsync(server, i * 10, 10);
                int most = i + 1; // each in a group of its own
                await Eventually.BeTrueAsync("a group", () => Task.FromResult(Directory.Exists(Path.Combine(Archive, "log")) && Directory.GetFiles(Path.Combine(Archive, "log"), "*", SearchOption.AllDirectories).Length >= most));
            }

            Assert.Equal(0, await server.StopAsync());
        }

        string[] groups = [.. Directory.GetFiles(Path.Combine(Archive, "log", "00000001")).Order()];
        string group = groups[groups.Length / 2], name = $"log/00000001/{Path.GetFileName(group)}";
        byte[] content = await File.ReadAllBytesAsync(group);
        byte[] damaged = [.. content];
        damaged[content.Length / 3] ^= 4;
        await File.WriteAllBytesAsync(group, damaged);
        (int exitCode, _, string errors) = await RestoreAsync("second");
        Assert.Equal((1, $"{name} in {Archive} is damaged: its bytes don't have the checksum that it ends with."), (exitCode, errors));

        File.Delete(group);
        (exitCode, _, errors) = await RestoreAsync("second");
        Assert.Equal(1, exitCode);
        Assert.StartsWith($"{name} is missing in {Archive}, though ", errors, StringComparison.Ordinal);

        using (TraceStoreProcess refused = TraceStoreProcess.Start(DataOf("second"), 0))
        {
            Assert.Equal(1, await refused.EndAsync());
            Assert.Contains($"{DataOf("second")} is being restored and isn't whole. Go on with: ", refused.Errors, StringComparison.Ordinal);
        }

        // What there is is restored where that is wished
        (exitCode, string part, errors) = await RestoreAsync("third", "--accept-holes");
        Assert.True(exitCode == 0, errors);
        Assert.Contains("Restored 40 spans", part, StringComparison.Ordinal);
        Assert.Contains("What was received in it is left out.", errors, StringComparison.Ordinal);

        // Mended, it goes on from there
        await File.WriteAllBytesAsync(group, content);
        (exitCode, string output, errors) = await RestoreAsync("second");
        Assert.True(exitCode == 0, errors);
        Assert.Contains("Restored 50 spans", output, StringComparison.Ordinal);
    }

    public void Dispose() => _place.Dispose();

    private string DataOf(string name) => Path.Combine(_place.Path, name);

    private Task<TraceStoreProcess> ServeAsync(string name, params string[] more) =>
        TraceStoreProcess.ServeAsync(DataOf(name), ["--archive", Archive, "--set", "Archive:MaxDelay=200ms", "--set", "Wal:MaxSegmentAge=100ms", .. more]);

    private Task<(int ExitCode, string Output, string Errors)> RestoreAsync(string name, params string[] more) =>
        TraceStoreProcess.RunAsync(["restore", "--from", Archive, "--data", DataOf(name), .. more]);

    private static async Task ExportAsync(TraceStoreProcess server, int first, int count)
    {
        using var otlp = new OtlpClient(server.OtlpPort);
        for (int i = first; i < first + count; i++) await otlp.ExportAsync(Request(Resource("restore", Span(2_000 + i))));
    }

    private async Task<ArchiveHead> HeadAsync() => ArchiveHead.Decode(Store, (await Store.GetAsync(ArchiveNames.Head, default))!.Content.Span);
}
