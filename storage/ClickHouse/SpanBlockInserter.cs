using System.Globalization;
using System.IO.Hashing;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>
/// Stores blocks, each exactly once.
/// <list type="number">
/// <item>If an earlier attempt may have stored the block, look: kill what still runs, and count its segments' rows.</item>
/// <item>Store what the spans refer to, in which buckets their traces lie, and which attributes they have that aren't listed
/// yet. These tables keep equal rows once, so it may be done twice.</item>
/// <item>Unless they are there, store the spans, at once: all or nothing. They come last, so spans that can be read have
/// all they refer to, and are found.</item>
/// <item>After an attempt that wasn't the first, look again: the answer OK isn't enough.</item>
/// </list>
/// Looking and deduplication tokens each cover what the other can't. An attempt that was given up may arrive late, when
/// looking has found nothing and the next attempt has stored the spans: it has the same token, and stores nothing. And
/// ClickHouse notes a token before the part is in place, so that after a crash between the two every insert with that token
/// is an OK that stores nothing: looking finds out, and the next token is used. See decisions/0003.
/// </summary>
public sealed class SpanBlockInserter(ClickHouseDatabase database)
{
    /// <summary>Contents known to be stored are remembered up to this many per day; forgetting them costs a repeated row.</summary>
    private const int MaxRemembered = 100_000;

    private const string CheckTable = "insert_check";

    /// <summary>Each token is burnt by a crash of its own.</summary>
    private const int MaxBurntTokens = 100;

    /// <summary>It may look at all spans.</summary>
    private static readonly TimeSpan s_lookTimeout = TimeSpan.FromMinutes(10);

    private readonly HashSet<UInt128> _stored = [];
    private readonly ReferenceRows _references = new();
    private readonly AttributeValueCollector _attributes = new();
    private ushort _storedDay;

    /// <summary>Stores what a segment's spans refer to, ahead of them, as far as it isn't known to be there.</summary>
    /// <returns>Whether anything had to be stored.</returns>
    /// <exception cref="ClickHouseUnavailableException">Not now.</exception>
    /// <exception cref="ClickHouseRefusedException">ClickHouse will never take it.</exception>
    public async Task<bool> InsertReferencesAsync(DecodedSegment segment, CancellationToken cancellation)
    {
        if (segment.Spans.Count == 0) return false;
        _references.Clear();
        _references.Add(segment);
        return await InsertAsync(_references, segment.Spans.ReceivedDay[0], cancellation).ConfigureAwait(false);
    }

    /// <summary>Stores a block.</summary>
    /// <param name="block">What to store.</param>
    /// <param name="mayBeStored">Whether an attempt at this block came before whose outcome isn't known.</param>
    /// <param name="cancellation">Gives up; the next attempt must say that it may be stored.</param>
    /// <exception cref="ClickHouseUnavailableException">Not now; try again, saying that it may be stored.</exception>
    /// <exception cref="ClickHouseRefusedException">ClickHouse will never take it.</exception>
    public async Task InsertAsync(SpanBlock block, bool mayBeStored, CancellationToken cancellation)
    {
        if (block.Segments is not { } segments) return;
        string queryPrefix = NameOf(segments);

        // 1
        bool isStored = mayBeStored && await IsStoredAsync(block, segments, cancellation).ConfigureAwait(false);

        // 2
        await InsertAsync(block.References, block.ReceivedDay, cancellation).ConfigureAwait(false);

        await InsertAsync(SpanColumns.TraceBuckets.Name, block.TraceBucketsToNative(), cancellation).ConfigureAwait(false);
        await InsertAttributeValuesAsync(block, cancellation).ConfigureAwait(false);

        // 3, 4
        ReadOnlyMemory<byte> rows = isStored ? default : block.ToNative();
        for (int burnt = 0; !isStored; burnt++)
        {
            if (burnt == MaxBurntTokens) throw new ClickHouseUnavailableException($"ClickHouse answers OK and doesn't store {segments}.", new InvalidDataException());
            string token = TokenOf(queryPrefix, rows.Span, burnt);
            await database.InsertAsync(SpanColumns.Spans.Name, rows, queryPrefix + Guid.NewGuid().ToString("N"), token, cancellation).ConfigureAwait(false);
            isStored = !mayBeStored || await IsStoredAsync(block, segments, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Makes sure that ClickHouse takes spans, if not a certain segment: every table has our columns, and a row goes into a
    /// table that is like theirs.
    /// </summary>
    /// <exception cref="ClickHouseUnavailableException">Not now.</exception>
    /// <exception cref="ClickHouseRefusedException">ClickHouse takes nothing at all.</exception>
    public async Task CheckAsync(CancellationToken cancellation)
    {
        foreach ((string name, string columns) in SpanColumns.Tables)
        {
            await database.ExecuteAsync($"INSERT INTO {name} ({columns}) SELECT {columns} FROM {name} LIMIT 0", cancellation: cancellation).ConfigureAwait(false);
        }

        await database.ExecuteAsync($"DROP TABLE IF EXISTS {CheckTable} SYNC", cancellation: cancellation).ConfigureAwait(false);
        await database.ExecuteAsync($"CREATE TABLE {CheckTable} AS {SpanColumns.Spans.Name}", cancellation: cancellation).ConfigureAwait(false);
        await database.ExecuteAsync($"INSERT INTO {CheckTable} (name) VALUES ('check')", cancellation: cancellation).ConfigureAwait(false);
        await database.ExecuteAsync($"DROP TABLE {CheckTable} SYNC", cancellation: cancellation).ConfigureAwait(false);
    }

    /// <summary>Whether anything of a log is stored behind a segment.</summary>
    /// <exception cref="ClickHouseUnavailableException">Not now.</exception>
    public async Task<bool> HasBehindAsync(ulong log, ulong segment, CancellationToken cancellation)
    {
        var parameters = new SqlParameters();
        var sql = new SqlQuery($"SELECT 1 FROM spans WHERE wal = {parameters.Add(log)} AND seg > {parameters.Add(segment)} LIMIT 1", parameters.Values);
        return (await database.ReadLinesAsync(sql, cancellation, s_lookTimeout).ConfigureAwait(false)).Count > 0;
    }

    /// <summary>Forgets what is known to be stored: the tables may have lost it.</summary>
    public void Forget()
    {
        _stored.Clear();
        _attributes.Forget();
    }

    /// <summary>What attempts at a block are named by, and what they can be killed by.</summary>
    internal static string NameOf(SegmentRange segments) => string.Create(
        CultureInfo.InvariantCulture,
        $"tracestore-{segments.Wal:x16}-{segments.First}-{(segments.Last == segments.First ? "" : $"{segments.Last}-")}");

    /// <summary>Names an attempt's rows, so that they are taken once; their content is in the name, so that no others are taken for them.</summary>
    internal static string TokenOf(string queryPrefix, ReadOnlySpan<byte> rows, int burnt) =>
        string.Create(CultureInfo.InvariantCulture, $"{queryPrefix}{XxHash3.HashToUInt64(rows):x16}-{burnt}");

    private async Task<bool> InsertAsync(ReferenceRows references, ushort day, CancellationToken cancellation)
    {
        ForgetAfterMidnight(day);
        bool isAnyNew = false;
        foreach (ReferenceTable table in references.Tables)
        {
            if (table.Keys.All(_stored.Contains)) continue;
            await InsertAsync(table.Name, table.Rows, cancellation).ConfigureAwait(false);
            _stored.UnionWith(table.Keys);
            isAnyNew = true;
        }

        return isAnyNew;
    }

    private async Task InsertAttributeValuesAsync(SpanBlock block, CancellationToken cancellation)
    {
        if (_attributes.Day != block.ReceivedDay) _attributes.Begin(block.ReceivedDay, await ReadFullNamesAsync(block.ReceivedDay, cancellation).ConfigureAwait(false));
        var rows = new ByteList();
        try
        {
            AttributeValueBatch found = _attributes.Collect(block.Spans);
            if (found.Count == 0) return;
            NativeBlockWriter.Write(SpanColumns.AttributeValues, found, rows);
            await InsertAsync(SpanColumns.AttributeValues.Name, rows.Memory, cancellation).ConfigureAwait(false);
        }
        catch
        {
            _attributes.Forget();
            throw;
        }
        finally
        {
            rows.LetGo();
        }
    }

    /// <summary>Names that have so many values on a day that no more are listed.</summary>
    private async Task<AttributeValueBatch> ReadFullNamesAsync(ushort day, CancellationToken cancellation)
    {
        var full = new AttributeValueBatch();
        var parameters = new SqlParameters();
        var sql = new SqlQuery(
            $"SELECT tenant, scope, name FROM {SpanColumns.AttributeValues.Name} WHERE received_day = toDate({parameters.Add((long)day)}) GROUP BY tenant, scope, name HAVING uniqExact(type, value) >= {AttributeValueCollector.MaxValues}", parameters.Values);
        var columns = SpanColumns.AttributeValues.Bind(full).Where(column => column.Key is "tenant" or "scope" or "name").ToDictionary();
        await database.ReadAsync(sql, columns, noteRead: null, cancellation).ConfigureAwait(false);
        return full;
    }

    private Task InsertAsync(string table, ReadOnlyMemory<byte> rows, CancellationToken cancellation) =>
        database.InsertAsync(table, rows, $"tracestore-{table}-{Guid.NewGuid():N}", token: null, cancellation);

    private async Task<bool> IsStoredAsync(SpanBlock block, SegmentRange segments, CancellationToken cancellation)
    {
        await database.ExecuteAsync($"KILL QUERY WHERE startsWith(query_id, '{NameOf(segments)}') SYNC", cancellation: cancellation).ConfigureAwait(false);
        var parameters = new SqlParameters();
        string sql = $"SELECT count() FROM spans WHERE received_day = toDate({parameters.Add((long)block.ReceivedDay)}) AND {segments.ToSql(parameters)}";
        IReadOnlyList<string> answer = await database.ReadLinesAsync(new SqlQuery(sql, parameters.Values), cancellation).ConfigureAwait(false);
        int stored = int.Parse(answer.Single(), CultureInfo.InvariantCulture);
        if (stored != 0 && stored != block.Spans.Count)
        {
            string found = $"{segments} of log {segments.Wal:x16} {(segments.Last == segments.First ? "has" : "have")} {block.Spans.Count} spans, but ClickHouse holds {stored} of them; a block is all or nothing.";
            string message = char.ToUpperInvariant(found[0]) + found[1..];
            throw new ClickHouseRefusedException(message, new InvalidDataException(message));
        }

        return stored > 0;
    }

    /// <summary>What spans refer to lies in their own day's partition, so that a partition is complete in itself.</summary>
    private void ForgetAfterMidnight(ushort day)
    {
        if (_storedDay == day && _stored.Count < MaxRemembered) return;
        _stored.Clear();
        _storedDay = day;
    }
}
