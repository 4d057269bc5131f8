using TraceStore.Storage.Archive;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>The log's disk is lost and ClickHouse's isn't: what was archived and never stored is in neither.</summary>
public sealed class LostLogTests : IDisposable
{
    private const int Stored = 10, OnlyArchived = 20;

    private readonly TemporaryDirectory _place = new();

    private string Archive => Path.Combine(_place.Path, "archive");

    private string Log => Path.Combine(_place.Path, "log");

    [Fact]
    public async Task What_a_lost_log_had_archived_is_stored_before_a_snapshot_is_taken()
    {
        using (TraceStoreProcess first = await ServeAsync("0s"))
        {
            await ExportAsync(first, 0, Stored);
            await Eventually.BeTrueAsync("all spans", async () => await CountAsync() == $"{Stored}");
            Assert.Equal(0, await first.StopAsync());
        }

        using (TraceStoreProcess second = await ServeAsync("600s"))
        {
            DateTimeOffset sent = await ExportAsync(second, Stored, OnlyArchived);
            await Eventually.BeTrueAsync("the archive", async () => await ArchivedThroughAsync() > sent, seconds: 60);
            second.Kill();
        }

        Directory.Delete(Log, recursive: true);

        // Killed in between, it goes on
        using (TraceStoreProcess third = await ServeAsync("0s"))
        {
            await ExportAsync(third, Stored + OnlyArchived, 1);
            await Task.Delay(Random.Shared.Next(300), TestContext.Current.CancellationToken);
            third.Kill();
        }

        using (TraceStoreProcess fourth = await ServeAsync("0s"))
        {
            using var tempo = new HttpClient { BaseAddress = fourth.TempoUrl };
            await Eventually.BeTrueAsync("the restore", async () => !(await tempo.GetStringAsync("/readyz")).Contains("restoring", StringComparison.Ordinal), seconds: 60);
            await Eventually.BeTrueAsync("all spans", async () => await CountAsync() == $"{Stored + OnlyArchived + 1}");
            (int exitCode, _, string errors) = await TraceStoreProcess.RunAsync("snapshot", "create", "--data", Data("data"), "--archive", Archive);
            Assert.True(exitCode == 0, errors);
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
        Assert.Contains($"Restored {Stored + OnlyArchived + 1} spans", output, StringComparison.Ordinal);
    }

    public void Dispose() => _place.Dispose();

    private string Data(string name) => Path.Combine(_place.Path, name);

    private Task<TraceStoreProcess> ServeAsync(string maxBlockAge) => TraceStoreProcess.ServeAsync(
        Data("data"), "--archive", Archive, "--set", $"Wal:Directory={Log}", "--set", "Archive:MaxDelay=200ms", "--set", "Wal:MaxSegmentAge=100ms", "--set", $"ClickHouse:MaxBlockAge={maxBlockAge}");

    private Task<string> CountAsync() => EngineQuestion.AskAsync(Data("data"), "SELECT count() FROM tracestore.spans");

    private async Task<DateTimeOffset?> ArchivedThroughAsync()
    {
        DateTimeOffset? through = null;
        await using var store = new Storage.ObjectStorage.DirectoryStore(Archive);
        await foreach (LogGroup group in new LogArchiveReader(store).ReadAsync(1, 1, 0, default))
        {
            if (group.Counts.Records > 0) through = DateTimeOffset.UnixEpoch.AddTicks((long)(group.Counts.LatestUnixNano / TimeSpan.NanosecondsPerTick));
        }

        return through;
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
