using System.Globalization;
using System.Reflection;
using Microsoft.Extensions.Logging;

namespace TraceStore.Storage.ClickHouse;

/// <summary>A numbered step of the schema: one object in one .sql file.</summary>
public sealed record SchemaMigration(int Number, string Name, string Sql)
{
    /// <summary>All steps that this version knows, in order.</summary>
    public static IReadOnlyList<SchemaMigration> All { get; } = [.. Read().OrderBy(migration => migration.Number)];

    private static IEnumerable<SchemaMigration> Read()
    {
        Assembly assembly = typeof(SchemaMigration).Assembly;
        foreach (string file in assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(file)!);
            string name = Path.GetFileNameWithoutExtension(file);
            yield return new SchemaMigration(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), name, reader.ReadToEnd());
        }
    }
}

/// <summary>The schema was made by a newer version, which only that one knows.</summary>
public sealed class NewerSchemaException(string message) : InvalidOperationException(message);

/// <summary>
/// Brings a database to this version's schema. Each step may be applied twice in a row, and its note is on disk before the
/// next begins: so a crash between a step and its note is harmless.
/// </summary>
public sealed class SchemaMigrator(ClickHouseDatabase database, ILogger log)
{
    private const string SystemDatabase = "system";

    /// <summary>A step may have to rewrite all that is stored.</summary>
    private static readonly TimeSpan s_stepTimeout = TimeSpan.FromHours(24);

    private bool _isAnnounced;

    /// <summary>The last step that is done.</summary>
    public int Newest { get; init; } = SchemaMigration.All[^1].Number;

    /// <param name="stepAsync">
    /// Runs one step and makes sure that what it wrote is on disk: the next may drop what it was copied from.
    /// </param>
    /// <param name="cancellation">Gives up; the step in hand is done again the next time.</param>
    /// <returns>Whether there was no schema before: what was ever stored is elsewhere, or gone.</returns>
    /// <exception cref="NewerSchemaException">The schema is newer than this version.</exception>
    /// <exception cref="ClickHouseRefusedException">A step was refused.</exception>
    public async Task<bool> MigrateAsync(Func<Func<Task>, Task> stepAsync, CancellationToken cancellation)
    {
        await database.ExecuteAsync($"CREATE DATABASE IF NOT EXISTS {database.Name} ENGINE = Atomic", SystemDatabase, cancellation: cancellation).ConfigureAwait(false);
        await database.ExecuteAsync(
            "CREATE TABLE IF NOT EXISTS schema_migrations (number UInt32, name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = ReplacingMergeTree ORDER BY number",
            cancellation: cancellation).ConfigureAwait(false);
        await database.ExecuteAsync("ALTER TABLE schema_migrations MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1", cancellation: cancellation).ConfigureAwait(false);
        IReadOnlyList<string> lines = await database.ReadLinesAsync(new SqlQuery("SELECT DISTINCT number FROM schema_migrations"), cancellation).ConfigureAwait(false);
        HashSet<int> applied = [.. lines.Select(line => int.Parse(line, CultureInfo.InvariantCulture))];

        if (applied.Count > 0 && applied.Max() is var found && found > SchemaMigration.All[^1].Number)
        {
            throw new NewerSchemaException($"The database {database.Name} has schema {found}, this TraceStore knows {SchemaMigration.All[^1].Number}: start the newer TraceStore that made it.");
        }

        SchemaMigration[] missing = [.. SchemaMigration.All.Where(migration => migration.Number <= Newest && !applied.Contains(migration.Number))];
        if (applied.Count > 0 && missing.Length > 0)
        {
            // Said once, however often it has to be tried
            log.Log(
                _isAnnounced ? LogLevel.Debug : LogLevel.Warning,
                "Bringing what is stored to this version's schema ({Names}); with many spans it takes a while, and for that while as much disk again. Spans wait in the write-ahead log meanwhile. Other collectors that store here must be stopped until it is done.",
                string.Join(", ", missing.Select(migration => migration.Name)));
            _isAnnounced = true;
            await DropUnfinishedCopiesAsync(cancellation).ConfigureAwait(false);
        }

        foreach (SchemaMigration migration in missing)
        {
            await stepAsync(() => database.ExecuteAsync(migration.Sql, timeout: s_stepTimeout, keepsDiskFree: true, cancellation: cancellation)).ConfigureAwait(false);
            await stepAsync(() => database.ExecuteAsync(
                $"INSERT INTO schema_migrations (number, name) SELECT {migration.Number}, '{migration.Name}'", cancellation: cancellation)).ConfigureAwait(false);
        }

        return applied.Count == 0;
    }

    /// <summary>What CREATE OR REPLACE had filled when it was killed: ClickHouse leaves it under a name of its own, for ever.</summary>
    private async Task DropUnfinishedCopiesAsync(CancellationToken cancellation)
    {
        var parameters = new SqlParameters();
        string sql = $"SELECT name FROM system.tables WHERE database = {parameters.Add(database.Name)} AND startsWith(name, '_tmp_replace_')";
        foreach (string table in await database.ReadLinesAsync(new SqlQuery(sql, parameters.Values), cancellation).ConfigureAwait(false))
        {
            await database.ExecuteAsync($"DROP TABLE IF EXISTS `{table}` SYNC", timeout: s_stepTimeout, cancellation: cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>As the other, where nothing is watched.</summary>
    public Task<bool> MigrateAsync(CancellationToken cancellation) => MigrateAsync(step => step(), cancellation);

    /// <summary>Parts that ClickHouse found damaged when it started, and set aside.</summary>
    public async Task<IReadOnlyList<string>> DamagedPartsAsync(CancellationToken cancellation)
    {
        var parameters = new SqlParameters();
        string sql = $"SELECT concat(table, ' ', name) FROM system.detached_parts WHERE database = {parameters.Add(database.Name)} AND reason = 'broken-on-start' ORDER BY table, name";
        try
        {
            return await database.ReadLinesAsync(new SqlQuery(sql, parameters.Values), cancellation).ConfigureAwait(false);
        }
        catch (ClickHouseRefusedException)
        {
            return []; // an external ClickHouse needn't let us see
        }
    }
}
