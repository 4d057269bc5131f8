namespace TraceStore.Storage.ClickHouse;

/// <summary>An external ClickHouse's own backups of the catalogue's tables, each with what it was set up by.</summary>
/// <param name="database">The ClickHouse.</param>
/// <param name="destination">Where it backs up to.</param>
public sealed class ClickHouseBackup(ClickHouseDatabase database, BackupDestination destination)
{
    private const string Migrations = "schema_migrations";

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(200);

    private static readonly string[] s_tables = [.. SpanColumns.Tables.Select(table => table.Name), Migrations];

    /// <summary>The ClickHouse.</summary>
    public ClickHouseDatabase Database => database;

    /// <summary>Where, for messages.</summary>
    public string Destination => destination.ToString();

    private string Beside => $"{database.Name}_restoring";

    /// <summary>Backs up, and waits for the end.</summary>
    /// <param name="name">The backup's.</param>
    /// <param name="based">An earlier one, of which only the difference is stored; null for all.</param>
    /// <param name="cancellation">Gives up waiting; ClickHouse goes on.</param>
    /// <exception cref="ClickHouseRefusedException">ClickHouse can't.</exception>
    /// <exception cref="ClickHouseUnavailableException">Not now.</exception>
    public Task TakeAsync(string name, string? based, CancellationToken cancellation)
    {
        string tables = string.Join(", ", s_tables.Select(table => $"TABLE {database.Name}.{table}"));
        return RunAsync(id => $"BACKUP {tables} TO {destination.Of(name)} SETTINGS id = '{id}'{(based is null ? "" : $", base_backup = {destination.Of(based)}")} ASYNC", cancellation);
    }

    /// <summary>
    /// Brings a backup's tables back in place of ones in which there are no spans. They are restored beside, and change places with those one by one,
    /// spans last: killed on the way, it is done again from the start.
    /// </summary>
    /// <exception cref="ClickHouseRefusedException">ClickHouse can't.</exception>
    /// <exception cref="ClickHouseUnavailableException">Not now.</exception>
    public async Task BringBackAsync(string name, CancellationToken cancellation)
    {
        await database.ExecuteAsync($"DROP DATABASE IF EXISTS {Beside} SYNC", cancellation: cancellation).ConfigureAwait(false);
        await database.ExecuteAsync($"CREATE DATABASE {Beside} ENGINE = Atomic", cancellation: cancellation).ConfigureAwait(false);
        string tables = string.Join(", ", s_tables.Select(table => $"TABLE {database.Name}.{table} AS {Beside}.{table}"));
        await RunAsync(id => $"RESTORE {tables} FROM {destination.Of(name)} SETTINGS id = '{id}' ASYNC", cancellation).ConfigureAwait(false);
        foreach (string table in s_tables.OrderBy(table => table == SpanColumns.Spans.Name))
        {
            await database.ExecuteAsync($"EXCHANGE TABLES {database.Name}.{table} AND {Beside}.{table}", cancellation: cancellation).ConfigureAwait(false);
        }

        await database.ExecuteAsync($"DROP DATABASE {Beside} SYNC", cancellation: cancellation).ConfigureAwait(false);
    }

    /// <summary>Runs a statement that goes on by itself, however long it takes, and waits for its end.</summary>
    private async Task RunAsync(Func<string, string> statement, CancellationToken cancellation)
    {
        string id = $"tracestore-{Guid.NewGuid():N}";
        await database.ExecuteAsync(statement(id), cancellation: cancellation).ConfigureAwait(false);
        while (true)
        {
            var parameters = new SqlParameters();
            var sql = new SqlQuery($"SELECT concat(toString(status), '\t', replaceAll(error, '\\n', ' ')) FROM system.backups WHERE id = {parameters.Add(id)}", parameters.Values);
            IReadOnlyList<string> state = await database.ReadLinesAsync(sql, cancellation).ConfigureAwait(false);
            string[] fields = state.Count == 0 ? ["GONE", "ClickHouse was started again meanwhile"] : state[0].Split('\t', 2);
            if (fields[0] is "BACKUP_CREATED" or "RESTORED") return;
            if (fields[0] is not ("CREATING_BACKUP" or "RESTORING")) throw new ClickHouseRefusedException($"ClickHouse's backup in {destination} has failed: {fields[1]}", new InvalidDataException(fields[0]));
            await Task.Delay(s_poll, cancellation).ConfigureAwait(false);
        }
    }
}
