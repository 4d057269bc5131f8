using System.Globalization;

namespace TraceStore.Storage.ClickHouse;

/// <summary>What is stored of a day of receipt, to be held against another store of the same: equal content is equal here, in whatever parts it lies.</summary>
/// <param name="Day">The day.</param>
/// <param name="Spans">How many.</param>
/// <param name="Hash">The sum of a hash of each span's identity and times.</param>
/// <param name="SampleHash">The sum of a hash of all columns of each span of some traces, always the same ones of the same content.</param>
public sealed record DayContent(string Day, long Spans, string Hash, string SampleHash);

/// <summary>Spans of a write-ahead log's segments, as they are stored.</summary>
public sealed record StoredLog(ulong Log, ulong First, ulong Last, long Spans);

/// <summary>Reads what is stored up to a segment of a log.</summary>
public static class StoredContent
{
    /// <summary>Of each day, so that what is equal doesn't hang on other days.</summary>
    private const int SampledTraces = 50;

    /// <summary>It reads a few columns of all spans.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);

    /// <param name="database">Where.</param>
    /// <param name="log">A log, of which only the segments up to one are looked at; of other logs all are.</param>
    /// <param name="through">That segment.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<IReadOnlyList<DayContent>> ReadAsync(ClickHouseDatabase database, ulong log, ulong through, CancellationToken cancellation)
    {
        var parameters = new SqlParameters();
        string wanted = $"(wal != {parameters.Add(log)} OR seg <= {parameters.Add(through)})";
        IReadOnlyList<string> days = await database.ReadLinesAsync(
            new SqlQuery($"SELECT concat(toString(received_day), ' ', toString(count()), ' ', hex(sum(cityHash64(trace_id, span_ids, start_time_unix_nano, duration, wal, seg)))) FROM spans WHERE {wanted} GROUP BY received_day ORDER BY received_day", parameters.Values),
            cancellation, Patience).ConfigureAwait(false);
        IReadOnlyList<string> samples = await database.ReadLinesAsync(
            new SqlQuery($"SELECT concat(toString(received_day), ' ', hex(sum(cityHash64(*)))) FROM spans WHERE {wanted} AND (received_day, trace_id) IN (SELECT received_day, trace_id FROM spans WHERE {wanted} GROUP BY received_day, trace_id ORDER BY cityHash64(trace_id) LIMIT {SampledTraces.ToString(CultureInfo.InvariantCulture)} BY received_day) GROUP BY received_day", parameters.Values),
            cancellation, Patience).ConfigureAwait(false);
        Dictionary<string, string> sampled = samples.Select(line => line.Split(' ')).ToDictionary(fields => fields[0], fields => fields[1]);
        return
        [
            .. from line in days
               let fields = line.Split(' ')
               select new DayContent(fields[0], long.Parse(fields[1], CultureInfo.InvariantCulture), fields[2], sampled.GetValueOrDefault(fields[0], "")),
        ];
    }

    /// <summary>Which logs' segments the spans are of; of one log only those up to a segment.</summary>
    public static async Task<IReadOnlyList<StoredLog>> ReadLogsAsync(ClickHouseDatabase database, ulong log, ulong through, CancellationToken cancellation)
    {
        var parameters = new SqlParameters();
        string sql = $"SELECT concat(toString(wal), ' ', toString(min(seg)), ' ', toString(max(seg)), ' ', toString(count())) FROM spans WHERE wal != {parameters.Add(log)} OR seg <= {parameters.Add(through)} GROUP BY wal ORDER BY wal";
        return
        [
            .. from line in await database.ReadLinesAsync(new SqlQuery(sql, parameters.Values), cancellation, Patience).ConfigureAwait(false)
               let fields = line.Split(' ')
               let numbers = Array.ConvertAll(fields, field => ulong.Parse(field, CultureInfo.InvariantCulture))
               select new StoredLog(numbers[0], numbers[1], numbers[2], (long)numbers[3]),
        ];
    }
}
