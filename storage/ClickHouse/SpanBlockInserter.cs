using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>
/// Stores decoded segments, each exactly once.
/// <list type="number">
/// <item>If an earlier attempt may have stored the segment, look: kill what still runs, and count the segment's rows.</item>
/// <item>Store what the spans refer to. These tables keep equal rows once, so it may be done twice.</item>
/// <item>Unless they are there, store the spans, as one block: all or nothing. They come last, so spans that can be read have
/// all they refer to.</item>
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

    private readonly ByteList _block = new();
    private readonly HashSet<UInt128> _stored = [];
    private ushort _storedDay;

    /// <summary>Stores a segment.</summary>
    /// <param name="segment">Its rows: all of one log, segment and day.</param>
    /// <param name="mayBeStored">Whether an attempt whose outcome isn't known came before.</param>
    /// <param name="cancellation">Gives up; the next attempt must say that it may be stored.</param>
    /// <exception cref="ClickHouseUnavailableException">Not now; try again, saying that it may be stored.</exception>
    /// <exception cref="ClickHouseRefusedException">ClickHouse will never take it.</exception>
    public async Task InsertAsync(DecodedSegment segment, bool mayBeStored, CancellationToken cancellation)
    {
        if (segment.Spans.Count == 0) return;
        string queryPrefix = $"tracestore-{segment.Spans.Wal[0]:x16}-{segment.Spans.Segment[0]}-";

        // 1
        bool isStored = mayBeStored && await IsStoredAsync(segment.Spans, queryPrefix, cancellation).ConfigureAwait(false);

        // 2
        ForgetAfterMidnight(segment.Spans.ReceivedDay[0]);
        await InsertUnlessStoredAsync(SpanColumns.Resources, segment.Resources, Keys(segment.Resources.Tenant, segment.Resources.Hash), cancellation).ConfigureAwait(false);
        await InsertUnlessStoredAsync(SpanColumns.Scopes, segment.Scopes, Keys(segment.Scopes.Tenant, segment.Scopes.Hash), cancellation).ConfigureAwait(false);
        await InsertUnlessStoredAsync(SpanColumns.Operations, segment.Operations, Keys(segment.Operations), cancellation).ConfigureAwait(false);

        // 3, 4
        for (int burnt = 0; !isStored; burnt++)
        {
            if (burnt == MaxBurntTokens) throw new ClickHouseUnavailableException($"ClickHouse answers OK and doesn't store segment {segment.Spans.Segment[0]}.", new InvalidDataException());
            NameBlock token = block => TokenOf(queryPrefix, block, burnt);
            await InsertBlockAsync(SpanColumns.Spans, segment.Spans, queryPrefix + Guid.NewGuid().ToString("N"), token, cancellation).ConfigureAwait(false);
            isStored = !mayBeStored || await IsStoredAsync(segment.Spans, queryPrefix, cancellation).ConfigureAwait(false);
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

    /// <summary>Forgets what is known to be stored: the tables may have lost it.</summary>
    public void Forget() => _stored.Clear();

    private async Task<bool> IsStoredAsync(SpanBatch spans, string queryPrefix, CancellationToken cancellation)
    {
        await database.ExecuteAsync($"KILL QUERY WHERE startsWith(query_id, '{queryPrefix}') SYNC", cancellation: cancellation).ConfigureAwait(false);
        var parameters = new SqlParameters();
        string sql = $"SELECT count() FROM spans WHERE received_day = toDate({parameters.Add((long)spans.ReceivedDay[0])})"
            + $" AND wal = {parameters.Add(spans.Wal[0])} AND seg = {parameters.Add(spans.Segment[0])}";
        IReadOnlyList<string> answer = await database.ReadLinesAsync(new SqlQuery(sql, parameters.Values), cancellation).ConfigureAwait(false);
        int stored = int.Parse(answer.Single(), CultureInfo.InvariantCulture);
        if (stored != 0 && stored != spans.Count)
        {
            string message = $"Segment {spans.Segment[0]} of log {spans.Wal[0]:x16} has {spans.Count} spans, but ClickHouse holds {stored} of them; a block is all or nothing.";
            throw new ClickHouseRefusedException(message, new InvalidDataException(message));
        }

        return stored > 0;
    }

    private async Task InsertUnlessStoredAsync<TBatch>(BlockTable<TBatch> table, TBatch batch, IReadOnlyList<UInt128> keys, CancellationToken cancellation)
    {
        if (keys.All(_stored.Contains)) return;
        await InsertBlockAsync(table, batch, $"tracestore-{table.Name}-{Guid.NewGuid():N}", _ => null, cancellation).ConfigureAwait(false);
        _stored.UnionWith(keys);
    }

    private delegate string? NameBlock(ReadOnlySpan<byte> block);

    /// <summary>Names a segment's block, so that it is taken once; its content is in the name, so that no other is taken for it.</summary>
    internal static string TokenOf(string queryPrefix, ReadOnlySpan<byte> block, int burnt) =>
        string.Create(CultureInfo.InvariantCulture, $"{queryPrefix}{XxHash3.HashToUInt64(block):x16}-{burnt}");

    private async Task InsertBlockAsync<TBatch>(BlockTable<TBatch> table, TBatch batch, string queryId, NameBlock tokenOf, CancellationToken cancellation)
    {
        try
        {
            NativeBlockWriter.Write(table, batch, _block);
            await database.InsertAsync(table.Name, _block.Memory, queryId, tokenOf(_block.Memory.Span), cancellation).ConfigureAwait(false);
        }
        finally
        {
            _block.Clear();
        }
    }

    /// <summary>What spans refer to lies in their own day's partition, so that a partition is complete in itself.</summary>
    private void ForgetAfterMidnight(ushort day)
    {
        if (_storedDay == day && _stored.Count < MaxRemembered) return;
        _stored.Clear();
        _storedDay = day;
    }

    /// <summary>Hashes of what is stored: names and tenants are as long as clients make them.</summary>
    private static UInt128[] Keys(DictionaryColumn tenant, FixedBytesColumn hash)
    {
        var keys = new UInt128[hash.Count];
        for (int row = 0; row < keys.Length; row++) keys[row] = KeyOf(tenant[row], hash[row]);
        return keys;
    }

    private static UInt128[] Keys(OperationBatch operations)
    {
        var keys = new UInt128[operations.Count];
        Span<byte> kind = stackalloc byte[sizeof(int)];
        for (int row = 0; row < keys.Length; row++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(kind, operations.Kind[row]);
            keys[row] = KeyOf(operations.Tenant[row], operations.Service[row], operations.Name[row], kind);
        }

        return keys;
    }

    private static UInt128 KeyOf(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third = default, ReadOnlySpan<byte> fourth = default)
    {
        // The parts' lengths go in front, so that no two lists of parts are the same bytes.
        var hash = new XxHash128();
        Span<byte> lengths = stackalloc byte[3 * sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(lengths, first.Length);
        BinaryPrimitives.WriteInt32LittleEndian(lengths[sizeof(int)..], second.Length);
        BinaryPrimitives.WriteInt32LittleEndian(lengths[(2 * sizeof(int))..], third.Length);
        hash.Append(lengths);
        hash.Append(first);
        hash.Append(second);
        hash.Append(third);
        hash.Append(fourth);
        return hash.GetCurrentHashAsUInt128();
    }
}
