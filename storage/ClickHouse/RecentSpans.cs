using System.Runtime.InteropServices;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>
/// The newest spans: the block that waits until it is worth a part of its own. Queries read them here until they are stored,
/// and then there. One thread fills it; any thread looks.
/// <list type="number">
/// <item>Who looks gets copies, taken at one moment, and which segments they are of.</item>
/// <item>What then is asked of ClickHouse leaves those segments out, whether they are stored meanwhile or not.</item>
/// </list>
/// So no span is seen twice, or not at all, while a block is on its way. See decisions/0010.
/// </summary>
public sealed class RecentSpans
{
    /// <summary>What queries call the table that they bring along.</summary>
    public const string Table = "recent";

    private readonly Lock _lock = new();

    /// <summary>The block, for the thread that fills it.</summary>
    public SpanBlock Block { get; } = new();

    /// <summary>Adds a segment. What its spans refer to must be stored.</summary>
    public void Add(DecodedSegment segment)
    {
        lock (_lock) Block.Add(segment);
    }

    /// <summary>The block is stored, and is read from there.</summary>
    public void Clear()
    {
        lock (_lock) Block.Clear();
    }

    /// <summary>Copies the traces' spans, and says which segments they are of; null where there are none.</summary>
    /// <param name="traces">Which traces.</param>
    /// <param name="copy">Where they go.</param>
    public SegmentRange? Copy(IReadOnlyCollection<TraceId> traces, SpanBatch copy)
    {
        HashSet<UInt128> wanted = [.. traces.Select(AsStored)];
        UInt128 only = wanted.Count == 1 ? wanted.Single() : default;
        lock (_lock)
        {
            SpanBatch spans = Block.Spans;
            ReadOnlySpan<UInt128> stored = MemoryMarshal.Cast<byte, UInt128>(spans.TraceId.Bytes);
            for (int row = 0; row < stored.Length; row++)
            {
                int start = row;
                while (row < stored.Length && (wanted.Count == 1 ? stored[row] == only : wanted.Contains(stored[row]))) row++;
                if (row > start) copy.AddRows(spans, start, row - start);
            }

            return copy.Count == 0 ? null : Block.Segments;
        }
    }

    /// <summary>A trace's bytes as a number, in this machine's order: so that a hundred thousand are compared in no time.</summary>
    private static UInt128 AsStored(TraceId trace)
    {
        Span<byte> bytes = stackalloc byte[TraceId.Size];
        trace.Write(bytes);
        return MemoryMarshal.Read<UInt128>(bytes);
    }

    /// <summary>Copies all spans, in the columns that a statement names; null where there are none.</summary>
    public ExternalTable? Copy(string statement)
    {
        lock (_lock) return Block.Spans.Count == 0 ? null : ExternalTable.Of(Table, SpanColumns.Spans, Block.Spans, statement);
    }
}
