using System.IO.Hashing;

namespace TraceStore.Storage.Spans;

/// <summary>In which buckets of time each trace has spans: where a look-up by ID has to look (storage/decisions/0012).</summary>
public sealed class TraceBucketBatch
{
    public DictionaryColumn Tenant { get; } = new();

    /// <inheritdoc cref="SpanBatch.ReceivedDay"/>
    public NumberColumn<ushort> ReceivedDay { get; } = new();

    /// <summary>The trace's <see cref="HashOf(TraceId)"/>.</summary>
    public NumberColumn<uint> TraceHash { get; } = new();

    /// <inheritdoc cref="SpanBatch.TimeBucket"/>
    public NumberColumn<ulong> TimeBucket { get; } = new();

    public int Count => TraceHash.Count;

    /// <summary>XXH32 of a trace ID's 16 bytes; ClickHouse's xxHash32. Two traces may have the same.</summary>
    public static uint HashOf(TraceId trace)
    {
        Span<byte> bytes = stackalloc byte[TraceId.Size];
        trace.Write(bytes);
        return XxHash32.HashToUInt32(bytes);
    }

    /// <summary>Adds where the spans lie: a row for those of a trace that stand together.</summary>
    public void Add(SpanBatch spans)
    {
        for (int row = 0; row < spans.Count; row++)
        {
            bool isKnown = row > 0
                && spans.TimeBucket[row] == spans.TimeBucket[row - 1]
                && spans.Tenant.Rows[row] == spans.Tenant.Rows[row - 1]
                && spans.TraceId[row].SequenceEqual(spans.TraceId[row - 1]);
            if (isKnown) continue;
            Tenant.Add(spans.Tenant[row]);
            ReceivedDay.Add(spans.ReceivedDay[row]);
            TraceHash.Add(XxHash32.HashToUInt32(spans.TraceId[row]));
            TimeBucket.Add(spans.TimeBucket[row]);
        }
    }
}
