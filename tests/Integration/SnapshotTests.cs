using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Recovery;
using TraceStore.Serving;
using TraceStore.Settings;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Engine;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;
using TraceStore.Tests.S3;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

public sealed class SnapshotTests : IDisposable
{
    private readonly TemporaryDirectory _place = new(), _second = new();

    private string Archive => Path.Combine(_place.Path, "archive");

    private DirectoryStore Store => new(Archive);

    /// <summary>A table that isn't in the catalogue would be in no snapshot, would not be dropped with its day, and so on.</summary>
    [Fact]
    public async Task Every_table_that_there_is_travels()
    {
        await using TestServer server = await ServeAsync();
        string[] tables = (await server.AskEngineAsync("SELECT name FROM system.tables WHERE database = 'tracestore' ORDER BY name")).Split('\n');
        Assert.Equal([.. SpanColumns.Tables.Select(table => table.Name).Append("schema_migrations").Order(StringComparer.Ordinal)], tables);
        await ExportAsync(server, 1);
        SnapshotManifest manifest = await TakeAsync(server);
        Assert.Equal(SpanColumns.Tables.Select(table => table.Name), manifest.Tables.Select(table => table.Name));
        Assert.All(manifest.Tables, table => Assert.NotEmpty(table.Partitions));
        Assert.Equal("Archive:Url", Assert.Single(manifest.Settings.Keys, key => key.StartsWith("Archive:U", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task It_holds_the_log_up_to_a_segment_and_what_comes_behind_is_replayed()
    {
        long spans;
        await using (TestServer server = await ServeAsync())
        {
            for (int i = 1; i <= 5; i++) await ExportAsync(server, i);
            Assert.Equal(5, (await TakeAsync(server)).Spans);
            for (int i = 6; i <= 9; i++) await ExportAsync(server, i);
            SnapshotManifest newest = await TakeAsync(server);
            Assert.Equal(9, newest.Spans);
            Assert.Equal(newest.Tables.Single(table => table.Name == "spans").Partitions.Sum(partition => partition.Rows), newest.Spans);
            for (int i = 10; i <= 12; i++) await ExportAsync(server, i);
            spans = long.Parse(await server.AskEngineAsync("SELECT count() FROM tracestore.spans"));
            await server.Tempo.WaitForMetricAsync("tracestore_snapshot_age_seconds", age => age < 60);
        }

        Assert.Equal(12, spans);
        (RestorePlan plan, RestoreJournal journal) = await RestoreAsync();
        Assert.Equal(9, (await new SnapshotCatalogue(Store).ReadAsync(plan.Snapshot!.Id, default)).Spans);
        Assert.Equal(12, journal.Spans);
        await using TestServer second = await TestServer.StartAsync(_second);
        for (int i = 1; i <= 12; i++) await second.Tempo.WaitForTraceAsync(Hex(TraceId(i)), 1);
        Assert.Equal("12\t12\t1", await second.AskEngineAsync("SELECT count(), uniqExact(trace_id, span_ids), uniqExact(wal) FROM tracestore.spans"));
    }

    [Fact]
    public async Task Another_of_the_same_gives_the_store_nothing_but_a_manifest()
    {
        await using TestServer server = await ServeAsync();
        await ExportAsync(server, 1);
        SnapshotManifest first = await TakeAsync(server);
        string[] packs = Packs();
        SnapshotManifest second = await TakeAsync(server);
        Assert.Equal(packs, Packs());
        Assert.Equal(first.Parts.Select(part => part.Pack), second.Parts.Select(part => part.Pack));
        Assert.NotEqual(first.Id, second.Id);
        Assert.Empty(Held(server));

        // What somebody deletes is there again with the next one
        File.Delete(packs[0]);
        await Assert.ThrowsAsync<ObjectDamagedException>(() => new SnapshotCatalogue(Store).ProveAsync(second, default));
        await TakeAsync(server);
        Assert.Equal(packs, Packs());
        await new SnapshotCatalogue(Store).ProveAsync(second, default);
    }

    [Fact]
    public async Task One_that_fails_leaves_nothing_held_and_the_next_goes_on()
    {
        await using S3Server store = await S3Server.StartAsync();
        string access = Path.Combine(_place.Path, "access");
        await File.WriteAllLinesAsync(access, ["id", "secret"]);
        await using TestServer server = await TestServer.StartAsync(
            null, ("Archive:Url", $"s3://{S3Server.BucketName}/traces"), ("Archive:S3:Endpoint", store.Url.ToString()), ("Archive:S3:AccessKeyFile", access), ("Archive:MaxDelay", "100ms"), ("ClickHouse:MaxBlockAge", "0s"));
        for (int i = 1; i <= 3; i++) await ExportAsync(server, i);
        foreach (string where in new[] { "/packs/", "/manifest.json" })
        {
            store.Faults = call => call.Operation == "PutObject" && call.Key.Contains(where, StringComparison.Ordinal) ? new S3Fault.Refuse(403, "AccessDenied") : null;
            IOException failure = await Assert.ThrowsAsync<IOException>(() => ControlSocket.AskForSnapshotAsync(server.DataDirectory, false, _ => { }, default));
            Assert.StartsWith("Can't create ", failure.Message, StringComparison.Ordinal);
            Assert.Empty(Held(server));
        }

        store.Faults = _ => null;
        await using var bucket = new S3Store(store.Options("traces/"));
        string id = await ControlSocket.AskForSnapshotAsync(server.DataDirectory, false, _ => { }, default);
        Assert.Equal(3, (await new SnapshotCatalogue(bucket).ReadAsync(SnapshotId.Parse(id)!, default)).Spans);
    }

    [Fact]
    public async Task Parts_that_are_back_are_held_against_the_manifest()
    {
        await using (TestServer server = await ServeAsync())
        {
            await ExportAsync(server, 1);
            await TakeAsync(server);
        }

        SnapshotCatalogue catalogue = new(Store);
        SnapshotManifest manifest = await catalogue.ReadAsync((await catalogue.ListAsync(default))[0].Id, default);
        SnapshotPartition lying = manifest.Tables[0].Partitions[0] with { Rows = 2 };
        SnapshotManifest wrong = manifest with { Tables = [manifest.Tables[0] with { Partitions = [lying] }, .. manifest.Tables.Skip(1)] };
        await File.WriteAllBytesAsync(Path.Combine(Archive, SnapshotNames.Manifest(manifest.Id)), wrong.Encode());
        IOException failure = await Assert.ThrowsAsync<IOException>(() => RestoreAsync());
        Assert.StartsWith($"Partition {lying.Id} of spans has 1 rows and hash ", failure.Message, StringComparison.Ordinal);
        Assert.True(RestoreJournal.IsIn(_second.Path), "it isn't served");

        Directory.Delete(_second.Path, recursive: true);
        await File.WriteAllBytesAsync(Path.Combine(Archive, SnapshotNames.Manifest(manifest.Id)), (manifest with { Versions = manifest.Versions with { Schema = 9_999, TraceStore = "9.9" } }).Encode());
        RestoreRefusedException newer = await Assert.ThrowsAsync<RestoreRefusedException>(() => RestoreAsync());
        Assert.Equal($"Snapshot {manifest.Id} has schema 9999, this TraceStore knows {SchemaMigration.All[^1].Number}: restore with TraceStore 9.9 or a newer one.", newer.Message);
    }

    [Fact]
    public async Task Of_one_day_its_partition_comes_back_and_what_of_the_log_was_received_then()
    {
        const string names = "SELECT concat(toString(received_day), ' ', arrayStringConcat(groupArray(name), ',')) FROM tracestore.spans GROUP BY received_day";
        DateOnly today = DateOnly.FromDateTime(DateTime.UtcNow), before = today.AddDays(-3);
        string[] there;
        await using (TestServer server = await ServeAsync())
        {
            await ExportAsync(server, 1);
            await server.AskEngineAsync($"INSERT INTO tracestore.spans (received_day, wal, seg, trace_id, name) VALUES ('{before:yyyy-MM-dd}', 7, 3, unhex('000102030405060708090a0b0c0d0e0f'), 'before')");
            await TakeAsync(server);
            await ExportAsync(server, 2);
            there = (await server.AskEngineAsync(names)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }

        foreach (DateOnly day in new[] { today, before, today.AddDays(-1) })
        {
            RestorePlan whole = await RestorePlanner.PlanAsync(Store, null, _ => { }, default), plan = await RestorePlanner.NarrowAsync(Store, whole, day, default);
            Assert.True(plan.Snapshot!.Bytes < whole.Snapshot!.Bytes);
            TraceStoreSettings settings = TestServer.Settings(Path.Combine(_place.Path, $"{day:yyyyMMdd}"));
            RestoreJournal journal = await new Restorer(settings, Store, acceptsHoles: false, NullLoggerFactory.Instance, _ => { }).RunAsync(plan, isCopy: true, default);
            string[] expected = [.. there.Where(line => line.StartsWith($"{day:yyyy-MM-dd}", StringComparison.Ordinal))];
            Assert.Equal(expected.Sum(line => line.Count(c => c == ',') + 1), journal.Spans);
            await OnEngineAsync($"{day:yyyyMMdd}", async (database, _) => Assert.Equal(expected, await database.ReadLinesAsync(new SqlQuery(names), default)));
        }
    }

    /// <summary>Taken before there was a table, which the migrations behind it make and fill.</summary>
    [Fact]
    public async Task A_snapshot_of_an_older_schema_is_brought_to_this_one()
    {
        const int before = 17;
        string pack = "", hash = "";
        await OnEngineAsync("old", async (database, tables) =>
        {
            await new SchemaMigrator(database, NullLogger.Instance) { Newest = before }.MigrateAsync(CancellationToken.None);
            await database.ExecuteAsync("INSERT INTO spans (received_day, wal, seg, trace_id, name) VALUES ('2026-11-27', 7, 3, unhex('000102030405060708090a0b0c0d0e0f'), 'old')");
            await database.ExecuteAsync("ALTER TABLE spans FREEZE WITH NAME 'old'");
            hash = (await tables.ReadAsync(default)).Single().Hash;
            FolderPack packed = await FolderPack.OfAsync(Directory.GetDirectories(Path.Combine(_place.Path, "old", "engine", "tables", "shadow", "old"), "2026*", SearchOption.AllDirectories).Single(), default);
            await Store.CreateAsync(SnapshotNames.Pack(packed.Name), packed.Content, default);
            pack = packed.Name;
        });

        var part = new SnapshotPart("20261127_1_1_0", 1, hash, new PackReference(pack, 0));
        var manifest = new SnapshotManifest(
            1, new SnapshotId(DateTimeOffset.UtcNow, 1, 3), Guid.NewGuid(), 7, DateTimeOffset.UtcNow, ArchiveFrontier.Before(1), 4, new SnapshotVersions("0.0.9", "26.3.1.1", before),
            [new SnapshotTable("spans", [new SnapshotPartition("20261127", 1, ContentSum.Of([hash]), [part])])], [new SnapshotLog(7, 3, 3, 1)], null, new Dictionary<string, string>(), []);
        await OnEngineAsync("new", async (database, tables) =>
        {
            for (int time = 0; time < 2; time++) await new SnapshotParts(Store, database, tables, Path.Combine(_place.Path, "new", "scratch"), isAlone: true, NullLogger.Instance).BringBackAsync(manifest, _ => { }, default); // the second finds it there
            await new SchemaMigrator(database, NullLogger.Instance).MigrateAsync(CancellationToken.None);
            Assert.Equal(["old\t1"], await database.ReadLinesAsync(new SqlQuery("SELECT name, (SELECT count() FROM trace_buckets) FROM spans"), default));
        });
    }

    [Fact]
    public async Task What_the_log_has_set_aside_travels_along()
    {
        await using (TestServer server = await ServeAsync())
        {
            await ExportAsync(server, 1);
            await File.WriteAllTextAsync(Path.Combine(server.WalDirectory, "quarantine", "1-2.damaged"), "bytes");
            await File.WriteAllTextAsync(Path.Combine(server.WalDirectory, "quarantine", "1-2.damaged.reason"), "why");
            Assert.NotNull((await TakeAsync(server)).Quarantine);
        }

        await RestoreAsync();
        Assert.Equal("bytes", await File.ReadAllTextAsync(Path.Combine(_second.Path, "wal", "quarantine", "1-2.damaged")));
    }

    [Fact]
    public async Task What_was_restored_is_kept_until_it_is_released()
    {
        await using (TestServer server = await ServeAsync()) await ExportAsync(server, 1);
        await RestoreAsync();
        string data = _second.Path;
        Assert.True(RetentionHold.IsIn(data));
        Assert.True(RetentionHold.Release(data));
        Assert.False(RetentionHold.Release(data));
        Assert.False(RetentionHold.IsIn(data));
    }

    public void Dispose()
    {
        _place.Dispose();
        _second.Dispose();
    }

    private Task<TestServer> ServeAsync() => TestServer.StartAsync(null, ("Archive:Url", Archive), ("Archive:MaxDelay", "100ms"), ("ClickHouse:MaxBlockAge", "0s"));

    private async Task OnEngineAsync(string name, Func<ClickHouseDatabase, TableParts, Task> action)
    {
        EngineOptions options = TestServer.Settings(Path.Combine(_place.Path, name)).Engine! with { IsMerging = false };
        await using EngineSupervisor engine = await EngineSupervisor.StartAsync(options, NullLogger.Instance, CancellationToken.None);
        using var database = new ClickHouseDatabase(new ClickHouseOptions(), engine.Handler);
        await action(database, new TableParts(database, options.TablesDirectory));
    }

    private static async Task ExportAsync(TestServer server, int trace)
    {
        OpenTelemetry.Proto.Trace.V1.Span span = Span(trace);
        span.Attributes.Add(Attribute("number", trace));
        await server.Otlp.ExportAsync(Request(Resource("snapshot", span)));
        await Eventually.BeTrueAsync("the span", async () => await server.AskEngineAsync($"SELECT count() FROM tracestore.spans WHERE trace_id = unhex('{Hex(TraceId(trace))}')") == "1");
    }

    private async Task<SnapshotManifest> TakeAsync(TestServer server)
    {
        string id = await ControlSocket.AskForSnapshotAsync(server.DataDirectory, false, _ => { }, default);
        return await new SnapshotCatalogue(Store).ReadAsync(SnapshotId.Parse(id)!, default);
    }

    private async Task<(RestorePlan, RestoreJournal)> RestoreAsync()
    {
        TraceStoreSettings settings = TestServer.Settings(_second.Path);
        List<string> warnings = [];
        RestorePlan plan = await RestorePlanner.PlanAsync(Store, null, warnings.Add, default);
        Assert.Empty(warnings);
        return (plan, await new Restorer(settings, Store, acceptsHoles: false, NullLoggerFactory.Instance, _ => { }).RunAsync(plan, isCopy: false, default));
    }

    private string[] Packs() => [.. Directory.GetFiles(Path.Combine(Archive, "packs")).Order(StringComparer.Ordinal)];

    private static string[] Held(TestServer server) => Directory.GetDirectories(Path.Combine(server.DataDirectory, "engine", "tables", "shadow"));
}
