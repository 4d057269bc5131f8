using System.Text.Json;
using System.Text.RegularExpressions;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Tests.S3;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

public sealed partial class ArchiveTests : IDisposable
{
    private readonly TemporaryDirectory _place = new();

    [Fact]
    public async Task What_is_exported_is_archived_and_said_to_be()
    {
        string url = Path.Combine(_place.Path, "archive");
        await using (TestServer server = await TestServer.StartAsync(null, ("Archive:Url", url), ("Archive:MaxDelay", "100ms")))
        {
            await server.Otlp.ExportAsync(Request(Resource("archive", Span(1_101), Span(1_102))));
            await server.Tempo.WaitForMetricAsync("tracestore_archive_groups_total", value => value >= 1);
            Assert.Contains("archiving: ok\n", await server.Tempo.GetStringAsync("/readyz"), StringComparison.Ordinal);
            await server.Tempo.WaitForMetricAsync("tracestore_archive_recovery_point_age_seconds", value => value < 10);
        }

        Assert.Equal(2, await SpansInAsync(new DirectoryStore(url)));
    }

    [Fact]
    public async Task An_archive_that_is_away_stops_nothing_and_gets_everything_later()
    {
        await using S3Server store = await S3Server.StartAsync();
        string keys = Path.Combine(_place.Path, "key"), access = Path.Combine(_place.Path, "access");
        await File.WriteAllTextAsync(keys, EncryptionKeys.New());
        await File.WriteAllLinesAsync(access, ["id", "secret"]);
        store.Faults = _ => new S3Fault.Refuse(403, "AccessDenied");
        await using (TestServer server = await TestServer.StartAsync(
            null, ("Archive:Url", $"s3://{S3Server.BucketName}/traces"), ("Archive:S3:Endpoint", store.Url.ToString()), ("Archive:S3:AccessKeyFile", access), ("Archive:KeyFile", keys), ("Archive:MaxDelay", "100ms")))
        {
            await server.Otlp.ExportAsync(Request(Resource("archive", Span(1_103))));
            await server.Tempo.WaitForTraceAsync(Hex(TraceId(1_103)), 1);
            await Eventually.BeTrueAsync("readiness to say so", async () => (await server.Tempo.GetStringAsync("/readyz")).Contains("archiving: Can't create probe/", StringComparison.Ordinal));
            Assert.Contains("Give this access key the right to list, read and write there.", await server.Tempo.GetStringAsync("/readyz"), StringComparison.Ordinal);
            store.Faults = _ => null;
            await Eventually.BeTrueAsync("the archive", async () => (await server.Tempo.GetStringAsync("/readyz")).Contains("archiving: ok", StringComparison.Ordinal));
            await server.Tempo.WaitForMetricAsync("tracestore_archive_groups_total", value => value >= 1);
        }

        await using var bucket = new S3Store(store.Options("traces/"));
        await Assert.ThrowsAsync<ObjectDamagedException>(() => SpansInAsync(bucket));
        Assert.Equal(1, await SpansInAsync(new EncryptedStore(bucket, EncryptionKeys.ReadFile(keys))));
    }

    [Fact]
    public async Task An_archive_that_is_given_up_holds_up_the_log_no_more()
    {
        string url = Path.Combine(_place.Path, "archive");
        TestServer first = await TestServer.StartAsync(null, ("Archive:Url", url));
        await first.Otlp.ExportAsync(Request(Resource("archive", Span(1_104))));
        TemporaryDirectory data = await first.StopAsync();
        Assert.True(File.Exists(Path.Combine(data.Path, "wal", "archive.cursor")));
        await using TestServer second = await TestServer.StartAsync(data);
        Assert.False(File.Exists(Path.Combine(data.Path, "wal", "archive.cursor")));
        await second.Otlp.ExportAsync(Request(Resource("archive", Span(1_105))));
        await second.Tempo.WaitForTraceAsync(Hex(TraceId(1_105)), 1);
        await second.Tempo.WaitForMetricAsync("tracestore_wal_segments_waiting", value => value == 0);
        await second.Tempo.WaitForMetricAsync("tracestore_wal_quarantine_entries", value => value == 0);
    }

    /// <summary>An alert on a metric that isn't there would never fire.</summary>
    [Fact]
    public async Task Alerts_are_on_metrics_that_there_are_and_the_plan_is_told()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Archive:Url", Path.Combine(_place.Path, "archive")), ("Archive:MaxDelay", "100ms"));
        await server.Tempo.WaitForMetricAsync("tracestore_recovery_findings", value => value >= 1, "level=\"broken\""); // the archive is on the same disk
        string rules = await File.ReadAllTextAsync(Path.Combine(RepositoryRoot.Path, "deploy", "alerts", "tracestore.rules.yml"), TestContext.Current.CancellationToken);
        string metrics = await server.Tempo.GetStringAsync("/metrics");
        Assert.All(Metric().Matches(rules).Select(match => match.Value), name => Assert.Contains($"\n{name}", metrics, StringComparison.Ordinal));
        using JsonDocument plan = JsonDocument.Parse(await server.Tempo.GetStringAsync("/recovery"));
        Assert.Equal("broken", plan.RootElement.GetProperty("worst").GetString());
    }

    public void Dispose() => _place.Dispose();

    [GeneratedRegex(@"tracestore_\w+")]
    private static partial Regex Metric();

    private static async Task<long> SpansInAsync(IObjectStore store)
    {
        ArchiveHead head = ArchiveHead.Decode(store, (await store.GetAsync(ArchiveNames.Head, default))!.Content.Span);
        return await new LogArchiveReader(store).ReadAsync(head.Current.Number, head.Current.First, head.Frontier.Segment, default).Select(group => group.Counts.Spans).SumAsync();
    }
}
