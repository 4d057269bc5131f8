using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>With ClickHouse elsewhere: what it hasn't got comes from the archive, once, whether it lives, is lost, or is back from a backup of its own.</summary>
public sealed class ExternalRestoreTests : IDisposable
{
    private readonly TemporaryDirectory _place = new();
    private readonly ExternalClickHouse _first = new(), _second = new();

    private const string Count = "SELECT concat(toString(count()), ' ', toString(uniqExact(span_id))) FROM tracestore.spans";

    private string Archive => Path.Combine(_place.Path, "archive");

    [Theory]
    [InlineData("lives, served")]
    [InlineData("lost")]
    [InlineData("back from a backup")]
    public async Task What_clickhouse_has_not_got_is_stored_once(string clickHouse)
    {
        await _first.StartAsync();
        string backup = Path.Combine(_place.Path, "backup");
        using (TraceStoreProcess server = await ServeAsync("first", _first, "0s"))
        {
            await ExportAsync(server, 0, 20);
            await EngineQuestion.UntilAsync(_first.Url, Count, "20 20");
            await EngineQuestion.AskAsync(_first.Url, $"BACKUP DATABASE tracestore TO File('{backup}')");
            await ExportAsync(server, 20, 10);
            await EngineQuestion.UntilAsync(_first.Url, Count, "30 30");
            Assert.Equal(0, await server.StopAsync());
        }

        using (TraceStoreProcess server = await ServeAsync("first", _first, "600s"))
        {
            DateTimeOffset sent = await ExportAsync(server, 30, 10);
            await Eventually.BeTrueAsync("the archive", async () => await ArchiveLook.LatestAsync(Archive) > sent, seconds: 60);
            server.Kill();
        }

        Assert.Equal("30 30", await CountAsync(_first));
        Directory.Delete(Path.Combine(_place.Path, "first"), recursive: true);
        ExternalClickHouse target = clickHouse.StartsWith("lives", StringComparison.Ordinal) ? _first : _second;
        if (target == _second)
        {
            _first.Kill();
            await _second.StartAsync();
            if (clickHouse == "back from a backup") await EngineQuestion.AskAsync(_second.Url, $"RESTORE DATABASE tracestore FROM File('{backup}')");
        }

        if (clickHouse == "lives, served")
        {
            using TraceStoreProcess served = await TraceStoreProcess.RestoreServedAsync(Archive, Path.Combine(_place.Path, "second"), "--clickhouse", $"{target.Url}", "--set", "ClickHouse:MaxBlockAge=0s");
            await ExportAsync(served, 40, 1);
            await EngineQuestion.UntilAsync(target.Url, Count, "41 41");
            Assert.Equal(0, await served.StopAsync());
            return;
        }

        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync("restore", "--from", Archive, "--data", Path.Combine(_place.Path, "second"), "--clickhouse", $"{target.Url}");
        Assert.True(exitCode == 0, errors);
        Assert.Contains($"--clickhouse {target.Url}", output, StringComparison.Ordinal);
        Assert.Equal("40 40", await CountAsync(target));
        Assert.Equal("0", await EngineQuestion.AskAsync(target.Url, "SELECT count() FROM tracestore.spans WHERE (received_day, resource_hash) NOT IN (SELECT received_day, hash FROM tracestore.resources)"));

        using TraceStoreProcess back = await ServeAsync("second", target, "0s");
        await ExportAsync(back, 40, 1);
        await EngineQuestion.UntilAsync(target.Url, Count, "41 41");
    }

    [Fact]
    public async Task A_snapshot_is_a_backup_that_clickhouse_makes_and_brings_back()
    {
        await _first.StartAsync();
        string[] backup = ["--set", $"Archive:ClickHouseBackup=File('{Path.Combine(_place.Path, "backups")}')"];
        using (TraceStoreProcess server = await ServeAsync("first", _first, "0s", backup))
        {
            for (int i = 0; i < 3; i++)
            {
                await ExportAsync(server, i * 10, 10);
                (int code, _, string refusal) = await TraceStoreProcess.RunAsync(["snapshot", "create", "--data", Path.Combine(_place.Path, "first"), "--archive", Archive]);
                Assert.True(code == 0, refusal);
            }

            // The newest builds on the one before: when that is gone, the next is whole
            (_, string shown, _) = await TraceStoreProcess.RunAsync("snapshot", "show", "--archive", Archive);
            Assert.Contains("3 backups", shown, StringComparison.Ordinal);
            string[] backups = [.. Directory.GetDirectories(Path.Combine(_place.Path, "backups")).Order(StringComparer.Ordinal)];
            Assert.Equal(3, backups.Length);
            Directory.Delete(backups[^1], recursive: true);
            (int exit, _, string said) = await TraceStoreProcess.RunAsync(["snapshot", "create", "--data", Path.Combine(_place.Path, "first"), "--archive", Archive]);
            Assert.True(exit == 0, said);
            await ExportAsync(server, 30, 5);
            Assert.Equal(0, await server.StopAsync());
        }

        _first.Kill();
        Directory.Delete(Path.Combine(_place.Path, "first"), recursive: true);
        await _second.StartAsync();
        string[] restore = ["restore", "--from", Archive, "--data", Path.Combine(_place.Path, "second"), "--clickhouse", $"{_second.Url}"];
        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync(restore);
        Assert.Equal(1, exitCode);
        Assert.Contains("is a backup that ClickHouse has made in File('", errors, StringComparison.Ordinal);
        Assert.Contains("Say how ClickHouse reaches it, with Archive:ClickHouseBackup.", errors, StringComparison.Ordinal);

        // The newest can't be read: an earlier one is, and more of the log is replayed
        Directory.Delete(Directory.GetDirectories(Path.Combine(_place.Path, "backups")).Order(StringComparer.Ordinal).Last(), recursive: true);
        (exitCode, output, errors) = await TraceStoreProcess.RunAsync([.. restore, .. backup]);
        Assert.True(exitCode == 0, errors);
        Assert.Contains("ClickHouse brings its backup ", output, StringComparison.Ordinal);
        Assert.Contains("An earlier backup is used", output + errors, StringComparison.Ordinal);
        Assert.Equal("35 35", await CountAsync(_second));
        Assert.Equal("0", await EngineQuestion.AskAsync(_second.Url, "SELECT count() FROM tracestore.spans WHERE (received_day, resource_hash) NOT IN (SELECT received_day, hash FROM tracestore.resources)"));

        // What it is restored to goes on, and the next snapshot builds on what is there
        using TraceStoreProcess back = await ServeAsync("second", _second, "0s", backup);
        using var tempo = new HttpClient { BaseAddress = back.TempoUrl };
        await Eventually.BeTrueAsync("the archive", async () => (await tempo.GetStringAsync("/readyz")).Contains("archiving: ok", StringComparison.Ordinal), seconds: 90);
        await ExportAsync(back, 35, 1);
        (exitCode, _, errors) = await TraceStoreProcess.RunAsync(["snapshot", "create", "--data", Path.Combine(_place.Path, "second"), "--archive", Archive]);
        Assert.True(exitCode == 0, errors);
    }

    /// <summary>The store had been away: ClickHouse has what the archive hasn't.</summary>
    [Fact]
    public async Task A_clickhouse_that_is_ahead_of_the_archive_stays_so()
    {
        await _first.StartAsync();
        using (TraceStoreProcess server = await ServeAsync("first", _first, "0s"))
        {
            DateTimeOffset sent = await ExportAsync(server, 0, 10);
            await Eventually.BeTrueAsync("the archive", async () => await ArchiveLook.LatestAsync(Archive) > sent, seconds: 60);
            Directory.Move(Archive, Archive + ".away");
            await File.WriteAllTextAsync(Archive, "not mounted");
            await ExportAsync(server, 10, 10);
            await EngineQuestion.UntilAsync(_first.Url, Count, "20 20");
            server.Kill();
        }

        File.Delete(Archive);
        Directory.Move(Archive + ".away", Archive);
        Directory.Delete(Path.Combine(_place.Path, "first"), recursive: true);
        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("restore", "--from", Archive, "--data", Path.Combine(_place.Path, "second"), "--clickhouse", $"{_first.Url}");
        Assert.True(exitCode == 0, errors);
        Assert.Equal("20 20", await CountAsync(_first));
    }

    [Fact]
    public async Task An_instant_is_restored_where_nothing_came_later()
    {
        await _first.StartAsync();
        DateTimeOffset instant;
        using (TraceStoreProcess server = await ServeAsync("first", _first, "0s"))
        {
            await ExportAsync(server, 0, 5);
            instant = DateTimeOffset.UtcNow;
            await ExportAsync(server, 5, 5);
            await EngineQuestion.UntilAsync(_first.Url, Count, "10 10");
            Assert.Equal(0, await server.StopAsync());
        }

        string[] wish = ["restore", "--from", Archive, "--to", $"{instant:O}", "--data", Path.Combine(_place.Path, "second"), "--clickhouse", $"{_first.Url}"];
        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync(wish);
        Assert.Equal(1, exitCode);
        Assert.Contains("holds spans of this archive", errors, StringComparison.Ordinal);

        (exitCode, _, errors) = await TraceStoreProcess.RunAsync([.. wish, "--set", "ClickHouse:Database=past"]);
        Assert.True(exitCode == 0, errors);
        Assert.Equal("5", await EngineQuestion.AskAsync(_first.Url, "SELECT count() FROM past.spans"));
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
        _place.Dispose();
    }

    private Task<TraceStoreProcess> ServeAsync(string name, ExternalClickHouse clickHouse, string maxBlockAge, params string[] more) => TraceStoreProcess.ServeAsync(
        Path.Combine(_place.Path, name), ["--archive", Archive, "--clickhouse", $"{clickHouse.Url}", "--set", "Archive:MaxDelay=200ms", "--set", "Wal:MaxSegmentAge=100ms", "--set", $"ClickHouse:MaxBlockAge={maxBlockAge}", .. more]);

    private static Task<string> CountAsync(ExternalClickHouse clickHouse) => EngineQuestion.AskAsync(clickHouse.Url, Count);

    /// <summary>Returns when the last was sent.</summary>
    private static async Task<DateTimeOffset> ExportAsync(TraceStoreProcess server, int first, int count)
    {
        using var otlp = new OtlpClient(server.OtlpPort);
        DateTimeOffset sent = default;
        for (int i = first; i < first + count; i++)
        {
            sent = DateTimeOffset.UtcNow;
            await otlp.ExportAsync(Request(Resource("external", Span(2_000 + i, 2_000 + i))));
        }

        return sent;
    }
}
