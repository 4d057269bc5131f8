namespace TraceStore.Storage.Spans;

/// <summary>
/// Decoded spans in columns, in arrival order. A span is its columns plus its <see cref="Remainder"/>; together they are
/// everything that OTLP carried, down to fields this version doesn't know. Column names and types on disk are in the
/// span catalogue of the ClickHouse folder.
/// </summary>
public sealed class SpanBatch
{
    public DictionaryColumn Tenant { get; } = new();

    /// <summary>Days since 1970 of the receipt of the segment's first record, UTC: the partition.</summary>
    public NumberColumn<ushort> ReceivedDay { get; } = new();

    /// <summary>The identity of the log the span came through.</summary>
    public NumberColumn<ulong> Wal { get; } = new();

    /// <summary>The number of the segment, within that log, that holds the span.</summary>
    public NumberColumn<ulong> Segment { get; } = new();

    public FixedBytesColumn TraceId { get; } = new(Spans.TraceId.Size);

    /// <summary>
    /// A span's ID and then its parent's, all zero for a span that names none. In one column, so that compression finds a
    /// parent's ID among those just before it.
    /// </summary>
    public FixedBytesColumn SpanIds { get; } = new(2 * Spans.SpanId.Size);

    public NumberColumn<uint> Flags { get; } = new();

    /// <summary>The resource's service.name; <c>unknown_service</c> where it has none (semantic conventions, Service).</summary>
    public DictionaryColumn Service { get; } = new();

    public DictionaryColumn Name { get; } = new();

    /// <summary>OTLP's SpanKind; an open enum, so any number may come.</summary>
    public NumberColumn<int> Kind { get; } = new();

    /// <summary>When the bucket begins in which the span lies, seconds since 1970 (<see cref="TimeBuckets"/>).</summary>
    public NumberColumn<ulong> TimeBucket { get; } = new();

    public NumberColumn<ulong> StartTimeUnixNano { get; } = new();

    /// <summary>Nanoseconds from start to end; of a span that ends before it starts, what is left of that in 64 bits.</summary>
    public NumberColumn<ulong> Duration { get; } = new();

    public AttributeColumns Attributes { get; } = new();

    public NumberColumn<int> StatusCode { get; } = new();

    public BytesColumn StatusMessage { get; } = new();

    /// <summary>Points at the resource's <see cref="ResourceBatch.Hash"/> and then at the scope's <see cref="ScopeBatch.Hash"/>.</summary>
    public DictionaryColumn Origin { get; } = new(2 * ContentHash.Size);

    /// <summary>What no column holds (events, links, trace state, dropped counts, attributes of rare kinds, unknown fields), as fields of an OTLP Span.</summary>
    public BytesColumn Remainder { get; } = new();

    /// <summary>Spans in the batch.</summary>
    public int Count => TraceId.Count;

    public ReadOnlySpan<byte> SpanId(int row) => SpanIds[row][..Spans.SpanId.Size];

    /// <summary>All zero for a span that names no parent.</summary>
    public ReadOnlySpan<byte> ParentSpanId(int row) => SpanIds[row][Spans.SpanId.Size..];

    public ulong EndTimeUnixNano(int row) => unchecked(StartTimeUnixNano[row] + Duration[row]);

    public ReadOnlySpan<byte> ResourceHash(int row) => Origin[row][..ContentHash.Size];

    public ReadOnlySpan<byte> ScopeHash(int row) => Origin[row][ContentHash.Size..];

    private Column[] All =>
    [
        Tenant, ReceivedDay, Wal, Segment, TraceId, SpanIds, Flags, Service, Name, Kind,
        TimeBucket, StartTimeUnixNano, Duration, StatusCode, StatusMessage, Origin, Remainder, .. Attributes.All,
    ];

    /// <summary>Appends rows of another batch.</summary>
    public void AddRows(SpanBatch from, int start, int rows)
    {
        foreach ((Column column, Column other) in All.Zip(from.All)) column.AddRows(other, start, rows);
    }

    public void Clear()
    {
        foreach (Column column in All) column.Clear();
    }
}
