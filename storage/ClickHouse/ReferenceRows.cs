using System.Buffers.Binary;
using System.IO.Hashing;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>What spans refer to: rows of tables that keep equal rows once.</summary>
internal sealed class ReferenceRows
{
    private readonly ReferenceTable _resources = new(SpanColumns.Resources.Name);
    private readonly ReferenceTable _scopes = new(SpanColumns.Scopes.Name);
    private readonly ReferenceTable _operations = new(SpanColumns.Operations.Name);

    public IReadOnlyList<ReferenceTable> Tables => [_resources, _scopes, _operations];

    public long Bytes => Tables.Sum(table => table.Rows.Length);

    /// <summary>What a segment adds at most.</summary>
    public static long MostBytes(DecodedSegment segment) =>
        NativeBlockWriter.MostBytes(SpanColumns.Resources, segment.Resources)
        + NativeBlockWriter.MostBytes(SpanColumns.Scopes, segment.Scopes)
        + NativeBlockWriter.MostBytes(SpanColumns.Operations, segment.Operations);

    public void Add(DecodedSegment segment)
    {
        _resources.Add(SpanColumns.Resources, segment.Resources, segment.Resources.Tenant, segment.Resources.Hash);
        _scopes.Add(SpanColumns.Scopes, segment.Scopes, segment.Scopes.Tenant, segment.Scopes.Hash);
        _operations.Add(segment.Operations);
    }

    public void Clear()
    {
        foreach (ReferenceTable table in Tables) table.Clear();
    }
}

/// <summary>Rows of a table that keeps equal rows once, and by which keys it is known whether they are stored.</summary>
internal sealed class ReferenceTable(string name)
{
    private readonly ByteList _rows = new();
    private readonly HashSet<UInt128> _keys = [];

    public string Name => name;

    public ReadOnlyMemory<byte> Rows => _rows.Memory;

    /// <summary>Hashes of what they are: names and tenants are as long as clients make them.</summary>
    public IReadOnlyCollection<UInt128> Keys => _keys;

    public void Add<TBatch>(BlockTable<TBatch> of, TBatch batch, DictionaryColumn tenant, FixedBytesColumn hash)
    {
        bool isKnown = true;
        for (int row = 0; row < hash.Count; row++) isKnown &= !_keys.Add(KeyOf(tenant[row], hash[row]));
        if (!isKnown) NativeBlockWriter.Write(of, batch, _rows);
    }

    public void Add(OperationBatch operations)
    {
        bool isKnown = true;
        Span<byte> kind = stackalloc byte[sizeof(int)];
        for (int row = 0; row < operations.Count; row++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(kind, operations.Kind[row]);
            isKnown &= !_keys.Add(KeyOf(operations.Tenant[row], operations.Service[row], operations.Name[row], kind));
        }

        if (!isKnown) NativeBlockWriter.Write(SpanColumns.Operations, operations, _rows);
    }

    public void Clear()
    {
        _rows.Clear();
        _keys.Clear();
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
