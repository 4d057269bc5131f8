using System.Buffers.Binary;
using Microsoft.Extensions.Caching.Memory;
using TraceStore.Query.Assembly;
using TraceStore.Query.Sql;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Execution;

/// <summary>Reads resources and scopes by hash, and remembers them: what a hash stands for never changes.</summary>
internal sealed class EnvelopeReader(ClickHouseDatabase database, TraceSql sql) : IDisposable
{
    private const string Resources = "resources";
    private const string Scopes = "scopes";
    private const long MaxCachedBytes = 64 << 20;
    private const int EntryOverheadBytes = 200;

    /// <summary>Hashes stand in the statement's text, which ClickHouse bounds (max_query_size).</summary>
    private const int MaxHashesPerQuery = 1_000;

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = MaxCachedBytes });

    /// <summary>All that the spans refer to.</summary>
    public async Task<Envelopes> ReadAsync(SpanBatch spans, CancellationToken cancellation)
    {
        var envelopes = new Envelopes();
        await ReadAsync(Resources, Distinct(spans, spans.ResourceHash), envelopes.AddResource, cancellation).ConfigureAwait(false);
        await ReadAsync(Scopes, Distinct(spans, spans.ScopeHash), envelopes.AddScope, cancellation).ConfigureAwait(false);
        return envelopes;
    }

    public void Dispose() => _cache.Dispose();

    private async Task ReadAsync(string table, HashSet<UInt128> hashes, Action<UInt128, byte[]> add, CancellationToken cancellation)
    {
        List<byte[]> missing = [];
        foreach (UInt128 key in hashes)
        {
            if (_cache.TryGetValue((table, key), out byte[]? known)) add(key, known!);
            else missing.Add(BytesOf(key));
        }

        foreach (byte[][] chunk in missing.Chunk(MaxHashesPerQuery)) await ReadAsync(table, chunk, add, cancellation).ConfigureAwait(false);
    }

    private async Task ReadAsync(string table, byte[][] missing, Action<UInt128, byte[]> add, CancellationToken cancellation)
    {
        var hash = new FixedBytesColumn(ContentHash.Size);
        var otlp = new BytesColumn();
        await database.ReadAsync(
            sql.EnvelopesOf(table, missing),
            new Dictionary<string, (string, Column)> { ["hash"] = ("FixedString(16)", hash), ["otlp"] = ("String", otlp) },
            noteRead: null,
            cancellation).ConfigureAwait(false);
        for (int row = 0; row < hash.Count; row++)
        {
            UInt128 key = Envelopes.KeyOf(hash[row]);
            byte[] content = otlp[row].ToArray();
            add(key, content);
            _cache.Set((table, key), content, new MemoryCacheEntryOptions { Size = content.Length + EntryOverheadBytes });
        }
    }

    private delegate ReadOnlySpan<byte> HashInRow(int row);

    private static HashSet<UInt128> Distinct(SpanBatch spans, HashInRow hashInRow)
    {
        HashSet<UInt128> distinct = [];
        for (int row = 0; row < spans.Count; row++) distinct.Add(Envelopes.KeyOf(hashInRow(row)));
        return distinct;
    }

    private static byte[] BytesOf(UInt128 key)
    {
        byte[] bytes = new byte[ContentHash.Size];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, key);
        return bytes;
    }
}
