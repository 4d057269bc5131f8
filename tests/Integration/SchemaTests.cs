using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Query.Execution;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Tests.Integration;

public class SchemaTests(EngineFixture fixture)
{
    [Fact]
    public async Task The_tables_have_the_catalogues_columns_in_its_order()
    {
        await AssertEqualAsync(SpanColumns.Spans);
        await AssertEqualAsync(SpanColumns.TraceBuckets);
        await AssertEqualAsync(SpanColumns.Resources);
        await AssertEqualAsync(SpanColumns.Scopes);
        await AssertEqualAsync(SpanColumns.Operations);
        await AssertEqualAsync(SpanColumns.AttributeValues);
    }

    [Fact]
    public async Task Tenant_leads_every_sort_order()
    {
        IReadOnlyList<string> keys = await fixture.Database.ReadLinesAsync(
            new SqlQuery("SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name != 'schema_migrations'"), TestContext.Current.CancellationToken);

        Assert.Equal(SpanColumns.Tables.Count, keys.Count);
        Assert.All(keys, key => Assert.StartsWith("tenant, ", key, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Migrating_twice_changes_nothing()
    {
        await new SchemaMigrator(fixture.Database, NullLogger.Instance).MigrateAsync(TestContext.Current.CancellationToken);

        Assert.Equal(
            SchemaMigration.All.Select(migration => $"{migration.Number}"),
            await fixture.Database.ReadLinesAsync(new SqlQuery("SELECT number FROM schema_migrations ORDER BY number"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Queries_wait_until_the_tables_are_up_to_date()
    {
        using var behind = new ClickHouseDatabase(new ClickHouseOptions { Database = "behind" }, fixture.Engine.Handler);
        using var gate = new QueryGate(new QueryServiceOptions());
        using var reader = new TraceReader(behind, new RecentSpans(), gate);
        await new SchemaMigrator(behind, NullLogger.Instance).MigrateAsync(TestContext.Current.CancellationToken);
        await reader.CheckAsync(TestContext.Current.CancellationToken);

        await behind.ExecuteAsync($"DELETE FROM schema_migrations WHERE number = {SchemaMigration.All[^1].Number}", cancellation: TestContext.Current.CancellationToken);

        ClickHouseUnavailableException refused = await Assert.ThrowsAsync<ClickHouseUnavailableException>(() => reader.CheckAsync(TestContext.Current.CancellationToken));
        Assert.True(refused.IsSchemaBehind);
    }

    [Fact]
    public async Task A_crash_after_any_step_or_before_its_note_loses_nothing()
    {
        using var crashing = new ClickHouseDatabase(new ClickHouseOptions { Database = "crashing" }, fixture.Engine.Handler);
        var migrator = new SchemaMigrator(crashing, NullLogger.Instance);
        int runs = 0;
        bool isStored = false;
        for (bool isDone = false; !isDone;)
        {
            try
            {
                await migrator.MigrateAsync(StepAndCrashAsync, TestContext.Current.CancellationToken);
                isDone = true;
            }
            catch (IOException)
            {
                IReadOnlyList<string> noted = await crashing.ReadLinesAsync(new SqlQuery("SELECT max(number) FROM schema_migrations"), TestContext.Current.CancellationToken);
                if (noted is ["5"] && !isStored) isStored = await InsertAsync("end_time_unix_nano");
            }
        }

        Assert.Equal(3 * SchemaMigration.All.Count, runs); // notes too are brought to disk before what comes next
        await InsertAsync("duration"); // as by a collector that doesn't know of buckets
        Assert.Equal(
            ["1800000000", "1800000000"],
            await crashing.ReadLinesAsync(new SqlQuery("SELECT time_bucket FROM spans"), TestContext.Current.CancellationToken));

        async Task StepAndCrashAsync(Func<Task> step) // each step once before its note and once after it
        {
            await step();
            if (++runs % 3 != 2) throw new IOException("A crash.");
        }

        async Task<bool> InsertAsync(string column)
        {
            await crashing.ExecuteAsync($"INSERT INTO spans (start_time_unix_nano, {column}) VALUES (1800000123000000000, 1800000123000000001)", cancellation: TestContext.Current.CancellationToken);
            return true;
        }
    }

    [Fact]
    public async Task What_a_killed_copy_left_is_dropped()
    {
        using var leftover = new ClickHouseDatabase(new ClickHouseOptions { Database = "leftover" }, fixture.Engine.Handler);
        var migrator = new SchemaMigrator(leftover, NullLogger.Instance);
        await migrator.MigrateAsync(TestContext.Current.CancellationToken);
        await leftover.ExecuteAsync("CREATE TABLE _tmp_replace_1_2 AS spans", cancellation: TestContext.Current.CancellationToken);

        await leftover.ExecuteAsync("ALTER TABLE schema_migrations DELETE WHERE number > 10 SETTINGS mutations_sync = 1", cancellation: TestContext.Current.CancellationToken);
        await migrator.MigrateAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["0"], await leftover.ReadLinesAsync(new SqlQuery("SELECT count() FROM system.tables WHERE database = currentDatabase() AND name LIKE '%tmp%'"), TestContext.Current.CancellationToken));
    }

    /// <summary>Steps that copy are tried by the golden files too.</summary>
    [Fact]
    public async Task The_newest_steps_may_be_done_again()
    {
        using var again = new ClickHouseDatabase(new ClickHouseOptions { Database = "again" }, fixture.Engine.Handler);
        var migrator = new SchemaMigrator(again, NullLogger.Instance);
        await migrator.MigrateAsync(TestContext.Current.CancellationToken);
        string before = string.Join('\n', await again.ReadLinesAsync(new SqlQuery("SHOW CREATE TABLE spans"), TestContext.Current.CancellationToken));

        await again.ExecuteAsync("ALTER TABLE schema_migrations DELETE WHERE number > 8 SETTINGS mutations_sync = 1", cancellation: TestContext.Current.CancellationToken);
        await migrator.MigrateAsync(TestContext.Current.CancellationToken);

        Assert.Equal(before, string.Join('\n', await again.ReadLinesAsync(new SqlQuery("SHOW CREATE TABLE spans"), TestContext.Current.CancellationToken)));
    }

    [Fact]
    public async Task A_newer_schema_is_left_alone()
    {
        using var newer = new ClickHouseDatabase(new ClickHouseOptions { Database = "newer" }, fixture.Engine.Handler);
        await new SchemaMigrator(newer, NullLogger.Instance).MigrateAsync(TestContext.Current.CancellationToken);
        await newer.ExecuteAsync("INSERT INTO schema_migrations (number, name) SELECT 9999, 'from the future'", cancellation: TestContext.Current.CancellationToken);

        var refused = await Assert.ThrowsAsync<NewerSchemaException>(() => new SchemaMigrator(newer, NullLogger.Instance).MigrateAsync(TestContext.Current.CancellationToken));

        Assert.Equal($"The database newer has schema 9999, this TraceStore knows {SchemaMigration.All[^1].Number}: start the newer TraceStore that made it.", refused.Message);
    }

    [Fact]
    public void Migrations_are_numbered_without_gaps() =>
        Assert.Equal(Enumerable.Range(1, SchemaMigration.All.Count), SchemaMigration.All.Select(migration => migration.Number));

    private async Task AssertEqualAsync<TBatch>(BlockTable<TBatch> table)
    {
        var name = new BytesColumn();
        var type = new BytesColumn();
        await fixture.Database.ReadAsync(
            new SqlQuery($"SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = '{table.Name}' AND default_kind != 'ALIAS' ORDER BY position"),
            new Dictionary<string, (string, Column)> { ["name"] = ("String", name), ["type"] = ("String", type) },
            noteRead: null,
            TestContext.Current.CancellationToken);

        Assert.Equal(
            table.Columns.Select(column => $"{column.Name} {column.Type}"),
            Enumerable.Range(0, name.Count).Select(row => $"{System.Text.Encoding.UTF8.GetString(name[row])} {System.Text.Encoding.UTF8.GetString(type[row])}"));
    }
}
