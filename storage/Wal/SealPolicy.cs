namespace TraceStore.Storage.Wal;

/// <summary>Decides when a segment is sealed.</summary>
internal static class SealPolicy
{
    /// <summary>Whether a segment is old or full.</summary>
    public static bool IsDue(TimeSpan age, SegmentFill fill, WalOptions options) =>
        age >= options.MaxSegmentAge || fill.RequestBytes >= options.MaxSegmentBytes || fill.Spans >= options.MaxSegmentSpans;

    /// <summary>Whether a record still goes into a segment. An empty one takes any record.</summary>
    public static bool Fits(SegmentFill fill, SegmentFill record, WalOptions options) =>
        fill == default
        || (fill.RequestBytes + record.RequestBytes <= options.MaxSegmentBytes && fill.Spans + record.Spans <= options.MaxSegmentSpans);
}

/// <summary>What a segment, or a record for it, holds.</summary>
/// <param name="RequestBytes">Bytes of its requests before compression.</param>
/// <param name="Spans">Spans in them.</param>
internal readonly record struct SegmentFill(long RequestBytes, int Spans)
{
    public static SegmentFill operator +(SegmentFill left, SegmentFill right) => new(left.RequestBytes + right.RequestBytes, left.Spans + right.Spans);
}
