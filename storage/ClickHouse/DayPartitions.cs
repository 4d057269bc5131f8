using System.Globalization;

namespace TraceStore.Storage.ClickHouse;

/// <summary>The days of receipt that the tables hold, each a partition of every table.</summary>
public sealed class DayPartitions(ClickHouseDatabase database)
{
    private const string IdFormat = "yyyyMMdd";

    /// <summary>Bytes on disk by day, all tables together.</summary>
    public async Task<IReadOnlyList<DayPartition>> ReadAsync(CancellationToken cancellation)
    {
        var parameters = new SqlParameters();
        string sql = "SELECT concat(partition_id, ' ', toString(sum(bytes_on_disk))) FROM system.parts "
            + $"WHERE active AND database = {parameters.Add(database.Name)} AND table IN ({string.Join(", ", SpanColumns.Tables.Select(table => parameters.Add(table.Name)))}) GROUP BY partition_id";
        IReadOnlyList<string> lines = await database.ReadLinesAsync(new SqlQuery(sql, parameters.Values), cancellation).ConfigureAwait(false);
        return
        [
            .. from line in lines
               let fields = line.Split(' ')
               select new DayPartition(
                   DateOnly.ParseExact(fields[0], IdFormat, CultureInfo.InvariantCulture),
                   long.Parse(fields[1], CultureInfo.InvariantCulture)),
        ];
    }

    /// <summary>Drops a day from every table: spans first, then what they refer to.</summary>
    public async Task DropAsync(DateOnly day, CancellationToken cancellation)
    {
        foreach ((string table, _) in SpanColumns.Tables)
        {
            await database.ExecuteAsync(
                $"ALTER TABLE {table} DROP PARTITION ID '{day.ToString(IdFormat, CultureInfo.InvariantCulture)}' SETTINGS max_partition_size_to_drop = 0", cancellation: cancellation).ConfigureAwait(false);
        }
    }
}
