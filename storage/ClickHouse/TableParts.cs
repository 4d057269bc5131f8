using System.Globalization;

namespace TraceStore.Storage.ClickHouse;

/// <summary>A part of a table: a folder that never changes.</summary>
/// <param name="Table">The table's name.</param>
/// <param name="Partition">The partition's name.</param>
/// <param name="Name">Its name.</param>
/// <param name="Rows">Rows in it.</param>
/// <param name="Hash">ClickHouse's hash of all its files, 32 hexadecimal digits.</param>
public sealed record TablePart(string Table, string Partition, string Name, long Rows, string Hash);

/// <summary>A part that is held, whatever becomes of it in the table.</summary>
/// <param name="Part">The part.</param>
/// <param name="Folder">Its files.</param>
public sealed record FrozenPart(TablePart Part, string Folder);

/// <summary>The parts that the catalogue's tables consist of, in an engine whose files are on this machine.</summary>
/// <param name="database">The engine.</param>
/// <param name="tablesDirectory">Where its tables lie: each in <c>store/</c>, three digits and its UUID; what is frozen, so in <c>shadow/</c> and a name.</param>
public sealed class TableParts(ClickHouseDatabase database, string tablesDirectory)
{
    private static readonly TimeSpan s_checkTimeout = TimeSpan.FromMinutes(30);

    /// <summary>ClickHouse escapes other characters than letters, digits and underscores.</summary>
    private const string FreezePrefix = "tracestore_";

    /// <summary>The engine.</summary>
    public ClickHouseDatabase Database => database;

    /// <summary>
    /// Holds all parts of all tables as they are now, by hard links, until <see cref="Thaw"/>. Spans come first: what they refer to is there
    /// before them, so that nothing they need can be missing.
    /// </summary>
    public async Task<IReadOnlyList<FrozenPart>> FreezeAsync(string name, CancellationToken cancellation)
    {
        IReadOnlyDictionary<string, string> folders = await FoldersAsync(cancellation).ConfigureAwait(false);
        foreach ((string table, _) in SpanColumns.Tables)
        {
            await database.ExecuteAsync($"ALTER TABLE {table} FREEZE WITH NAME '{FreezePrefix}{name}'", cancellation: cancellation).ConfigureAwait(false);
        }

        // One that has been merged or dropped meanwhile is still known, for minutes
        IReadOnlyList<TablePart> known = await ReadAsync("", cancellation).ConfigureAwait(false);
        ILookup<(string, string), TablePart> byName = known.ToLookup(part => (part.Table, part.Name));
        return
        [
            .. from table in SpanColumns.Tables
               let frozen = FrozenFolder(folders[table.Name], name)
               where Directory.Exists(frozen)
               from folder in Directory.EnumerateDirectories(frozen).Order(StringComparer.Ordinal)
               let part = byName[(table.Name, Path.GetFileName(folder))].FirstOrDefault()
                   ?? throw new ClickHouseUnavailableException($"A part of {table.Name} was dropped while it was frozen: {Path.GetFileName(folder)}.", new InvalidDataException(folder))
               select new FrozenPart(part, folder),
        ];
    }

    /// <summary>Lets go of all that was ever held, also by a process that was killed.</summary>
    public void Thaw()
    {
        string shadow = Path.Combine(tablesDirectory, "shadow");
        if (!Directory.Exists(shadow)) return;
        foreach (string held in Directory.GetDirectories(shadow, FreezePrefix + "*")) Directory.Delete(held, recursive: true);
    }

    /// <summary>All parts that the tables consist of now.</summary>
    public Task<IReadOnlyList<TablePart>> ReadAsync(CancellationToken cancellation) => ReadAsync("active AND ", cancellation);

    /// <summary>Has ClickHouse read a part and hold it against its own checksums; one that has been merged away meanwhile is passed over.</summary>
    /// <returns>What is wrong with it; null for nothing.</returns>
    public async Task<string?> CheckAsync(TablePart part, CancellationToken cancellation)
    {
        try
        {
            IReadOnlyList<string> lines = await database.ReadLinesAsync(
                new SqlQuery($"CHECK TABLE {part.Table} PART '{part.Name}' SETTINGS check_query_single_value_result = 0"), cancellation, s_checkTimeout).ConfigureAwait(false);
            return lines.Select(line => line.Split('\t')).FirstOrDefault(fields => fields.Length > 1 && fields[1] is "0" or "false") is { } bad ? string.Join(' ', bad) : null;
        }
        catch (ClickHouseRefusedException e) when (e.ToString().Contains("NO_SUCH_DATA_PART", StringComparison.Ordinal))
        {
            return null;
        }
    }

    /// <summary>Where a table takes parts from that are put there.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ReadDetachedFoldersAsync(CancellationToken cancellation) =>
        (await FoldersAsync(cancellation).ConfigureAwait(false)).ToDictionary(folder => folder.Key, folder => Path.Combine(folder.Value, "detached"));

    /// <summary>Makes a part that was put there one of the table's.</summary>
    public Task AttachAsync(string table, string part, CancellationToken cancellation)
    {
        if (!part.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')) throw new ArgumentException($"'{part}' can't be the name of a part.", nameof(part));
        return database.ExecuteAsync($"ALTER TABLE {table} ATTACH PART '{part}'", cancellation: cancellation);
    }

    /// <summary>Lets parts be as they are, or be merged again.</summary>
    public async Task HoldMergesAsync(bool areHeld, CancellationToken cancellation)
    {
        foreach ((string table, _) in SpanColumns.Tables)
        {
            await database.ExecuteAsync($"ALTER TABLE {table} {(areHeld ? "MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1" : "RESET SETTING max_bytes_to_merge_at_max_space_in_pool")}", cancellation: cancellation).ConfigureAwait(false);
        }
    }

    private async Task<IReadOnlyList<TablePart>> ReadAsync(string condition, CancellationToken cancellation)
    {
        var parameters = new SqlParameters();
        string sql = $"SELECT concat(table, ' ', partition_id, ' ', name, ' ', toString(rows), ' ', hash_of_all_files) FROM system.parts WHERE {condition}database = {parameters.Add(database.Name)} AND table IN ({Names(parameters)}) ORDER BY table, name";
        return
        [
            .. from line in await database.ReadLinesAsync(new SqlQuery(sql, parameters.Values), cancellation).ConfigureAwait(false)
               let fields = line.Split(' ')
               select new TablePart(fields[0], fields[1], fields[2], long.Parse(fields[3], CultureInfo.InvariantCulture), fields[4]),
        ];
    }

    /// <summary>The folder of each table that there is.</summary>
    private async Task<IReadOnlyDictionary<string, string>> FoldersAsync(CancellationToken cancellation)
    {
        var parameters = new SqlParameters();
        string sql = $"SELECT concat(name, ' ', data_paths[1]) FROM system.tables WHERE database = {parameters.Add(database.Name)} AND name IN ({Names(parameters)})";
        IReadOnlyList<string> lines = await database.ReadLinesAsync(new SqlQuery(sql, parameters.Values), cancellation).ConfigureAwait(false);
        return lines.Select(line => line.Split(' ', 2)).ToDictionary(fields => fields[0], fields => fields[1].TrimEnd('/'));
    }

    private static string Names(SqlParameters parameters) => string.Join(", ", SpanColumns.Tables.Select(table => parameters.Add(table.Name)));

    private string FrozenFolder(string tableFolder, string name) =>
        Path.Combine(tablesDirectory, "shadow", FreezePrefix + name, Path.GetRelativePath(tablesDirectory, tableFolder));
}
