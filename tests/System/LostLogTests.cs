using TraceStore.Storage.Wal;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>The log's disk is lost and ClickHouse's isn't: what was archived and never stored is in neither.</summary>
public sealed class LostLogTests : IDisposable
{
    private const int Stored = 10, OnlyArchived = 20;

    private const string Count = "SELECT count() FROM tracestore.spans";

    private readonly TemporaryDirectory _place = new();

    private string Archive => Path.Combine(_place.Path, "archive");

    private string Log => Path.Combine(_place.Path, "log");

    [Fact]
    public async Task What_a_lost_log_had_archived_is_stored_before_a_snapshot_is_taken()
    {
        using (TraceStoreProcess first = await ServeAsync("0s"))
        {
            await ExportAsync(first, 0, Stored);
            await EngineQuestion.UntilAsync(Data("data"), Count, $"{Stored}");
            await SnapshotAsync();

            // Set aside in the quarantine, which lies with the log; and spans behind it are stored
            await EngineQuestion.AskAsync(Data("data"), "ALTER TABLE tracestore.spans ADD CONSTRAINT no_poison CHECK name != 'poison'");
            using (var otlp = new OtlpClient(first.OtlpPort)) await otlp.ExportAsync(Request(Resource("lost-log", Span(1_999, name: "poison"))));
            var quarantine = new Quarantine(Log);
            await Eventually.BeTrueAsync("the quarantine", () => Task.FromResult(quarantine.Count == 1), seconds: 60);
            await EngineQuestion.AskAsync(Data("data"), "ALTER TABLE tracestore.spans DROP CONSTRAINT no_poison");
            await ExportAsync(first, Stored, 1);
            await EngineQuestion.UntilAsync(Data("data"), Count, $"{Stored + 1}");
            Assert.Equal(0, await first.StopAsync());
        }

        using (TraceStoreProcess second = await ServeAsync("600s"))
        {
            DateTimeOffset sent = await ExportAsync(second, Stored + 1, OnlyArchived);
            await Eventually.BeTrueAsync("the archive", async () => await ArchiveLook.LatestAsync(Archive) > sent, seconds: 60);
            second.Kill();
        }

        Directory.Delete(Log, recursive: true);

        // Killed in between, it goes on
        using (TraceStoreProcess third = await ServeAsync("0s"))
        {
            await ExportAsync(third, Stored + 1 + OnlyArchived, 1);
            await Task.Delay(Random.Shared.Next(300), TestContext.Current.CancellationToken);
            third.Kill();
        }

        using (TraceStoreProcess fourth = await ServeAsync("0s"))
        {
            using var tempo = new HttpClient { BaseAddress = fourth.TempoUrl };
            await Eventually.BeTrueAsync("the restore", async () => !(await tempo.GetStringAsync("/readyz")).Contains("restoring", StringComparison.Ordinal), seconds: 60);
            await EngineQuestion.UntilAsync(Data("data"), Count, $"{Stored + OnlyArchived + 3}");
            await SnapshotAsync();
            Assert.Equal(0, await fourth.StopAsync());
        }

        // Nothing is wrong any more, and the snapshot has it all
        using (TraceStoreProcess fifth = await ServeAsync("0s"))
        {
            using var tempo = new HttpClient { BaseAddress = fifth.TempoUrl };
            Assert.DoesNotContain("restoring", await tempo.GetStringAsync("/readyz"), StringComparison.Ordinal);
        }

        (int code, string output, string failure) = await TraceStoreProcess.RunAsync("restore", "--from", Archive, "--data", Data("restored"));
        Assert.True(code == 0, failure);
        Assert.Contains("Snapshot  ", output, StringComparison.Ordinal);
        Assert.Contains($"Restored {Stored + OnlyArchived + 3} spans", output, StringComparison.Ordinal);
    }

    /// <summary>Its disk wasn't mounted at a start, and is at the next: what was brought back from the archive meanwhile isn't stored again.</summary>
    [Fact]
    public async Task A_log_that_comes_back_is_looked_for_before_it_is_stored()
    {
        using (TraceStoreProcess zeroth = await ServeAsync("0s"))
        {
            await ExportAsync(zeroth, 0, Stored);
            await EngineQuestion.UntilAsync(Data("data"), Count, $"{Stored}");
            Assert.Equal(0, await zeroth.StopAsync());
        }

        using (TraceStoreProcess first = await ServeAsync("600s"))
        {
            DateTimeOffset sent = await ExportAsync(first, Stored, OnlyArchived);
            await Eventually.BeTrueAsync("the archive", async () => await ArchiveLook.LatestAsync(Archive) > sent, seconds: 60);
            first.Kill();
        }

        string away = Log + "-away";
        Directory.Move(Log, away);
        using (TraceStoreProcess second = await ServeAsync("0s"))
        {
            await ExportAsync(second, Stored + OnlyArchived, 1);
            await EngineQuestion.UntilAsync(Data("data"), Count, $"{Stored + OnlyArchived + 1}");
            await UntilWholeAsync(second);
            Assert.Equal(0, await second.StopAsync());
        }

        Directory.Delete(Log, recursive: true);
        Directory.Move(away, Log);
        using (TraceStoreProcess third = await ServeAsync("0s"))
        {
            await ExportAsync(third, Stored + OnlyArchived + 1, 1);
            await EngineQuestion.UntilAsync(Data("data"), Count, $"{Stored + OnlyArchived + 2}");
            await UntilWholeAsync(third);
            Assert.Contains("ClickHouse holds more of the write-ahead log than was stored from here", third.Errors, StringComparison.Ordinal);
            await SnapshotAsync();
            Assert.Equal(0, await third.StopAsync());
        }

        (int code, string output, string failure) = await TraceStoreProcess.RunAsync("restore", "--from", Archive, "--data", Data("restored"), "--by", "none");
        Assert.True(code == 0, failure);
        Assert.True(output.Contains($"Restored {Stored + OnlyArchived + 2} spans", StringComparison.Ordinal), output);
    }

    /// <summary>What the archive has can't be seen: nothing is given up for that.</summary>
    [Fact]
    public async Task While_the_archive_is_away_too_nothing_is_given_up()
    {
        using (TraceStoreProcess first = await ServeAsync("600s"))
        {
            DateTimeOffset sent = await ExportAsync(first, 0, OnlyArchived);
            await Eventually.BeTrueAsync("the archive", async () => await ArchiveLook.LatestAsync(Archive) > sent, seconds: 60);
            first.Kill();
        }

        Directory.Delete(Log, recursive: true);
        string away = Archive + "-away";
        Directory.Move(Archive, away);
        Directory.CreateDirectory(Archive); // a mount point
        using (TraceStoreProcess second = await ServeAsync("0s"))
        {
            await ExportAsync(second, OnlyArchived, 1);
            using var tempo = new HttpClient { BaseAddress = second.TempoUrl };
            await Eventually.BeTrueAsync("the reason", async () => (await tempo.GetStringAsync("/readyz")).Contains("There is no archive in", StringComparison.Ordinal), seconds: 60);
            Assert.Equal(0, await second.StopAsync());
        }

        Directory.Delete(Archive, recursive: true);
        Directory.Move(away, Archive);
        using TraceStoreProcess third = await ServeAsync("0s");
        await EngineQuestion.UntilAsync(Data("data"), Count, $"{OnlyArchived + 1}");
        await UntilWholeAsync(third);
    }

    public void Dispose() => _place.Dispose();

    private static async Task UntilWholeAsync(TraceStoreProcess server)
    {
        using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
        await Eventually.BeTrueAsync("the restore", async () => await tempo.GetStringAsync("/readyz") is var state && !state.Contains("restoring", StringComparison.Ordinal) && state.Contains("archiving: ok", StringComparison.Ordinal), seconds: 60);
    }

    private string Data(string name) => Path.Combine(_place.Path, name);

    private Task<TraceStoreProcess> ServeAsync(string maxBlockAge) => TraceStoreProcess.ServeAsync(
        Data("data"), "--archive", Archive, "--set", $"Wal:Directory={Log}", "--set", "Archive:MaxDelay=200ms", "--set", "Wal:MaxSegmentAge=100ms", "--set", $"ClickHouse:MaxBlockAge={maxBlockAge}");

    private async Task SnapshotAsync()
    {
        (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("snapshot", "create", "--data", Data("data"), "--archive", Archive);
        Assert.True(exitCode == 0, errors);
    }

    /// <summary>Returns when the last was sent.</summary>
    private static async Task<DateTimeOffset> ExportAsync(TraceStoreProcess server, int first, int count)
    {
        using var otlp = new OtlpClient(server.OtlpPort);
        DateTimeOffset sent = default;
        for (int i = first; i < first + count; i++)
        {
            sent = DateTimeOffset.UtcNow;
            await otlp.ExportAsync(Request(Resource("lost-log", Span(2_000 + i))));
        }

        return sent;
    }
}
