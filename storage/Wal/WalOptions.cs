namespace TraceStore.Storage.Wal;

/// <summary>Where the log lies and how it is cut. The defaults suit one machine; each bound says what it protects.</summary>
public sealed record WalOptions
{
    public required string Directory { get; init; }

    /// <summary>The whole log: full, it refuses appends until sinks have caught up. It protects the disk.</summary>
    public long MaxBytes { get; init; } = 10L << 30;

    /// <summary>The log's disk keeps so much free: below, it refuses appends, before they would fail.</summary>
    public long MinFreeBytes { get; init; } = 256L << 20;

    /// <summary>What a sink with an optional claim may hold of that; beyond, the log goes on without it.</summary>
    public long MaxOptionalBytes { get; init; } = 5L << 30;

    /// <summary>A segment is sealed when it is this old: an accepted span is visible at most that much later.</summary>
    public TimeSpan MaxSegmentAge { get; init; } = TimeSpan.FromMilliseconds(400);

    /// <summary>
    /// Requests in a segment come to at most this size before compression, unless a single one is larger: it bounds what
    /// decoding and inserting take, two segments at a time.
    /// </summary>
    public long MaxSegmentBytes { get; init; } = 64L << 20;

    /// <summary>
    /// A segment holds at most this many spans, unless a single request has more (the scanner bounds those). Far below
    /// ClickHouse's 1,048,449 rows, from which on an insert would become several parts and no longer be all or nothing.
    /// </summary>
    public int MaxSegmentSpans { get; init; } = 250_000;

    /// <summary>Records waiting for the disk: beyond, appends are refused. It protects memory when the disk is slow.</summary>
    public long MaxPendingBytes { get; init; } = 256L << 20;
}
