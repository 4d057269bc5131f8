using System.Diagnostics;

namespace TraceStore.Storage.ClickHouse;

/// <summary>An external ClickHouse's own backups of the catalogue's tables, each with what it was set up by.</summary>
/// <param name="database">The ClickHouse.</param>
/// <param name="destination">Where it backs up to.</param>
public sealed class ClickHouseBackup(ClickHouseDatabase database, BackupDestination destination)
{
    private const string Migrations = "schema_migrations";

    /// <summary>ClickHouse may be away for so long before it is given up, with what it was doing.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(200);

    private static readonly string[] s_tables = [.. SpanColumns.Tables.Select(table => table.Name), Migrations];

    /// <summary>The ClickHouse.</summary>
    public ClickHouseDatabase Database => database;

    /// <summary>Where, for messages.</summary>
    public string Destination => destination.ToString();

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
    /// spans last: killed on the way, it is done again from the start, and what goes on of that one meanwhile ends for want of its database. Spans that
    /// somebody else stores meanwhile are never dropped.
    /// </summary>
    /// <param name="name">The backup's.</param>
    /// <param name="backedUp">The tables of the catalogue as it was then.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="ClickHouseRefusedException">ClickHouse can't.</exception>
    /// <exception cref="ClickHouseUnavailableException">Not now.</exception>
    public async Task BringBackAsync(string name, IEnumerable<string> backedUp, CancellationToken cancellation)
    {
        string[] names = [.. backedUp.OrderBy(table => table == SpanColumns.Spans.Name)];
        string besides = $"{database.Name}_restoring_", beside = $"{besides}{Random.Shared.Next():x8}";
        var parameters = new SqlParameters();
        var left = new SqlQuery($"SELECT name FROM system.databases WHERE startsWith(name, {parameters.Add(besides)})", parameters.Values);
        foreach (string old in await database.ReadLinesAsync(left, cancellation).ConfigureAwait(false)) await database.ExecuteAsync($"DROP DATABASE IF EXISTS {old} SYNC", cancellation: cancellation).ConfigureAwait(false);
        await database.ExecuteAsync($"CREATE DATABASE {beside} ENGINE = Atomic", cancellation: cancellation).ConfigureAwait(false);
        string tables = string.Join(", ", names.Prepend(Migrations).Select(table => $"TABLE {database.Name}.{table} AS {beside}.{table}"));
        await RunAsync(id => $"RESTORE {tables} FROM {destination.Of(name)} SETTINGS id = '{id}' ASYNC", cancellation).ConfigureAwait(false);
        await CheckHasNoneAsync(database.Name, cancellation).ConfigureAwait(false);
        foreach (string table in names.Prepend(Migrations))
        {
            await database.ExecuteAsync($"EXCHANGE TABLES {database.Name}.{table} AND {beside}.{table}", cancellation: cancellation).ConfigureAwait(false);
        }

        await CheckHasNoneAsync(beside, cancellation).ConfigureAwait(false);
        await database.ExecuteAsync($"DROP DATABASE {beside} SYNC", cancellation: cancellation).ConfigureAwait(false);
    }

    private async Task CheckHasNoneAsync(string place, CancellationToken cancellation)
    {
        IReadOnlyList<string> any = await database.ReadLinesAsync(new SqlQuery($"SELECT 1 FROM {place}.{SpanColumns.Spans.Name} LIMIT 1"), cancellation).ConfigureAwait(false);
        if (any.Count > 0) throw new IOException($"Somebody has stored spans while ClickHouse brought its backup back: they are in {place}. Stop all that store there, insert them into {database.Name}.{SpanColumns.Spans.Name} if it is another, and restore again.");
    }

    /// <summary>Runs a statement that goes on by itself, however long it takes, and waits for its end.</summary>
    private async Task RunAsync(Func<string, string> statement, CancellationToken cancellation)
    {
        string id = $"tracestore-{Guid.NewGuid():N}";
        await database.ExecuteAsync(statement(id), cancellation: cancellation).ConfigureAwait(false);
        var parameters = new SqlParameters();
        var sql = new SqlQuery($"SELECT concat(toString(status), '\t', replaceAll(error, '\\n', ' ')) FROM system.backups WHERE id = {parameters.Add(id)}", parameters.Values);
        for (long answered = Stopwatch.GetTimestamp(); ; await Task.Delay(s_poll, cancellation).ConfigureAwait(false))
        {
            IReadOnlyList<string> state;
            try
            {
                state = await database.ReadLinesAsync(sql, cancellation).ConfigureAwait(false);
                answered = Stopwatch.GetTimestamp();
            }
            catch (ClickHouseUnavailableException) when (Stopwatch.GetElapsedTime(answered) < s_patience)
            {
                continue;
            }

            string[] fields = state.Count == 0 ? ["GONE", "ClickHouse was started again meanwhile"] : state[0].Split('\t', 2);
            if (fields[0] is "BACKUP_CREATED" or "RESTORED") return;
            if (fields[0] is not ("CREATING_BACKUP" or "RESTORING")) throw new ClickHouseRefusedException($"ClickHouse's backup in {destination} has failed: {fields[1]}", new InvalidDataException(fields[0]));
        }
    }
}
