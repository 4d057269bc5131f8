using System.Buffers.Binary;
using System.IO.Hashing;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>
/// What is stored at once, all or nothing: the spans of a range of a log's segments, of one day, and what they refer to. It
/// is in ClickHouse's Native format, segment behind segment. The same segments give the same bytes. For one thread at a time.
/// </summary>
public sealed class SpanBlock
{
    /// <summary>Of several segments it has at most so much: well within what ClickHouse gathers for one part, and what its inserts take in memory.</summary>
    private const int MaxSpans = 250_000, MaxBytes = 32 << 20, MaxSegments = 100;

    private readonly ByteList _spans = new();
    private readonly ReferenceRows _resources = new(SpanColumns.Resources.Name);
    private readonly ReferenceRows _scopes = new(SpanColumns.Scopes.Name);
    private readonly ReferenceRows _operations = new(SpanColumns.Operations.Name);
    private int _segments;

    /// <summary>The log's identity.</summary>
    public ulong Wal { get; private set; }

    /// <summary>The day that the spans were received on, days since 1970.</summary>
    public ushort ReceivedDay { get; private set; }

    /// <summary>The first segment that has spans.</summary>
    public ulong FirstSegment { get; private set; }

    /// <summary>The last segment that has spans.</summary>
    public ulong LastSegment { get; private set; }

    /// <summary>How many spans; 0 where the segments had none.</summary>
    public int Spans { get; private set; }

    /// <summary>The spans' rows.</summary>
    public ReadOnlyMemory<byte> Rows => _spans.Memory;

    /// <summary>What the spans refer to, in tables that keep equal rows once.</summary>
    internal IReadOnlyList<ReferenceRows> References => [_resources, _scopes, _operations];

    private long Bytes => _spans.Length + References.Sum(rows => rows.Rows.Length);

    /// <summary>Whether a segment can be added.</summary>
    public bool Fits(DecodedSegment segment) =>
        Spans == 0
        || segment.Spans.Count == 0
        || (segment.Spans.Wal[0] == Wal
            && segment.Spans.ReceivedDay[0] == ReceivedDay
            && _segments < MaxSegments
            && Spans + segment.Spans.Count <= MaxSpans
            && Bytes + MostBytes(segment) <= MaxBytes);

    /// <summary>Adds a segment, which comes behind those that are in it.</summary>
    public void Add(DecodedSegment segment)
    {
        if (segment.Spans.Count == 0) return;
        if (Spans == 0) (Wal, ReceivedDay, FirstSegment) = (segment.Spans.Wal[0], segment.Spans.ReceivedDay[0], segment.Spans.Segment[0]);
        LastSegment = segment.Spans.Segment[0];
        Spans += segment.Spans.Count;
        _segments++;
        NativeBlockWriter.Write(SpanColumns.Spans, segment.Spans, _spans);
        _resources.Add(SpanColumns.Resources, segment.Resources, segment.Resources.Tenant, segment.Resources.Hash);
        _scopes.Add(SpanColumns.Scopes, segment.Scopes, segment.Scopes.Tenant, segment.Scopes.Hash);
        _operations.Add(segment.Operations);
    }

    public void Clear()
    {
        (Spans, _segments) = (0, 0);
        _spans.Clear();
        foreach (ReferenceRows rows in References) rows.Clear();
    }

    private static long MostBytes(DecodedSegment segment) =>
        NativeBlockWriter.MostBytes(SpanColumns.Spans, segment.Spans)
        + NativeBlockWriter.MostBytes(SpanColumns.Resources, segment.Resources)
        + NativeBlockWriter.MostBytes(SpanColumns.Scopes, segment.Scopes)
        + NativeBlockWriter.MostBytes(SpanColumns.Operations, segment.Operations);
}

/// <summary>Rows of a table that keeps equal rows once, and by which keys it is known whether they are stored.</summary>
internal sealed class ReferenceRows(string table)
{
    private readonly ByteList _rows = new();
    private readonly HashSet<UInt128> _keys = [];

    public string Table => table;

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
