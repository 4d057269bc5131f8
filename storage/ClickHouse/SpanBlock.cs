using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>
/// What is stored at once, all or nothing: the spans of a range of a log's segments, of one day, and what they refer to. The
/// same segments give the same rows. For one thread at a time.
/// </summary>
public sealed class SpanBlock
{
    /// <summary>Of several segments it has at most so much: well within what ClickHouse gathers for one part, and what its inserts take in memory.</summary>
    private const int MaxSpans = 250_000, MaxBytes = 48 << 20;

    /// <summary>With so much it is worth a part of its own: more of them don't make parts much cheaper.</summary>
    private const int ManySpans = 100_000, ManyBytes = 32 << 20;

    private readonly ByteList _rows = new();

    /// <summary>Which segments it holds; null where they had no spans.</summary>
    public SegmentRange? Segments { get; private set; }

    /// <summary>The day that the spans were received on, days since 1970.</summary>
    public ushort ReceivedDay { get; private set; }

    /// <summary>The spans.</summary>
    public SpanBatch Spans { get; } = new();

    /// <summary>What the spans refer to, in tables that keep equal rows once.</summary>
    internal ReferenceRows References { get; } = new();

    /// <summary>Whether there is so much in it that it needn't wait for more.</summary>
    public bool HasMany => Spans.Count >= ManySpans || Bytes >= ManyBytes;

    private long Bytes => NativeBlockWriter.MostBytes(SpanColumns.Spans, Spans) + References.Bytes;

    /// <summary>Whether a segment can be added.</summary>
    public bool Fits(DecodedSegment segment) =>
        Segments is null
        || segment.Spans.Count == 0
        || (segment.Spans.Wal[0] == Segments.Wal
            && segment.Spans.ReceivedDay[0] == ReceivedDay
            && Spans.Count + segment.Spans.Count <= MaxSpans
            && Bytes + NativeBlockWriter.MostBytes(SpanColumns.Spans, segment.Spans) + ReferenceRows.MostBytes(segment) <= MaxBytes);

    /// <summary>Adds a segment, which comes behind those that are in it.</summary>
    public void Add(DecodedSegment segment)
    {
        SpanBatch spans = segment.Spans;
        if (spans.Count == 0) return;
        if (Segments is null) ReceivedDay = spans.ReceivedDay[0];
        Segments = new SegmentRange(spans.Wal[0], Segments?.First ?? spans.Segment[0], spans.Segment[0]);
        Spans.AddRows(spans, 0, spans.Count);
        References.Add(segment);
    }

    /// <summary>The spans in ClickHouse's Native format, until anything else is asked of the block.</summary>
    public ReadOnlyMemory<byte> ToNative()
    {
        _rows.Clear();
        NativeBlockWriter.Write(SpanColumns.Spans, Spans, _rows);
        return _rows.Memory;
    }

    /// <summary>In which buckets of time the spans' traces lie, in ClickHouse's Native format, until anything else is asked of the block.</summary>
    public ReadOnlyMemory<byte> TraceBucketsToNative()
    {
        var buckets = new TraceBucketBatch();
        buckets.Add(Spans);
        _rows.Clear();
        NativeBlockWriter.Write(SpanColumns.TraceBuckets, buckets, _rows);
        return _rows.Memory;
    }

    public void Clear()
    {
        if (HasMany) _rows.Clear();
        else _rows.LetGo(); // small blocks come seldom, but for some at a start
        Segments = null;
        Spans.Clear();
        References.Clear();
    }
}

/// <summary>Segments of a log, from the first to the last that has spans.</summary>
public sealed record SegmentRange(ulong Wal, ulong First, ulong Last)
{
    /// <summary>The condition that a row is of these segments.</summary>
    public string ToSql(SqlParameters parameters) => $"wal = {parameters.Add(Wal)} AND seg >= {parameters.Add(First)} AND seg <= {parameters.Add(Last)}";

    public override string ToString() => First == Last ? $"segment {First}" : $"segments {First} to {Last}";
}
