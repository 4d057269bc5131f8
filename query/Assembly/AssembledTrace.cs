using TraceStore.Storage.Spans;

namespace TraceStore.Query.Assembly;

/// <summary>A trace put together: its spans in order, each with its place in the tree.</summary>
/// <param name="Id">The trace's ID.</param>
/// <param name="Spans">By start time, then span ID; never empty.</param>
/// <param name="Root">The earliest span that names no parent; null when none has come (yet).</param>
public sealed record AssembledTrace(TraceId Id, IReadOnlyList<TraceSpan> Spans, TraceSpan? Root)
{
    /// <summary>When the first span started, as recorded.</summary>
    public ulong StartTimeUnixNano => Spans[0].StartTimeUnixNano;

    /// <summary>When the last span ended, as recorded; not before <see cref="StartTimeUnixNano"/>.</summary>
    public ulong EndTimeUnixNano { get; } = Math.Max(Spans[0].StartTimeUnixNano, Spans.Max(span => span.EndTimeUnixNano));

    public ulong DurationNanos => EndTimeUnixNano - StartTimeUnixNano;
}

/// <summary>A span in its trace. Times are as recorded: no clock is ever corrected.</summary>
public sealed class TraceSpan(int row, SpanId id, SpanId parentId, int kind, ulong startTimeUnixNano, ulong endTimeUnixNano)
{
    /// <summary>Its row in the batch that it was read into.</summary>
    public int Row => row;

    public SpanId Id => id;

    /// <summary>The parent that it names; none for a root.</summary>
    public SpanId ParentId => parentId;

    /// <summary>OTLP's SpanKind.</summary>
    public int Kind => kind;

    public ulong StartTimeUnixNano => startTimeUnixNano;

    public ulong EndTimeUnixNano => endTimeUnixNano;

    /// <summary>The parent, where it has come and the span isn't its own ancestor.</summary>
    public TraceSpan? Parent { get; internal set; }

    /// <summary>The spans that name this one as their parent, in order.</summary>
    public List<TraceSpan> Children { get; } = [];

    /// <summary>What is odd about the span's place.</summary>
    public SpanOddity Oddity { get; internal set; }

    /// <summary>Zero where the span ends before it starts.</summary>
    public ulong DurationNanos => EndTimeUnixNano > StartTimeUnixNano ? EndTimeUnixNano - StartTimeUnixNano : 0;
}

/// <summary>What a trace's tree can have wrong with it. Such spans are kept and marked, never dropped.</summary>
[Flags]
public enum SpanOddity
{
    None = 0,

    /// <summary>It names a parent that hasn't come.</summary>
    Orphan = 1,

    /// <summary>Its line of parents comes back to it; the line is cut at the earliest of them.</summary>
    Cycle = 2,

    /// <summary>Another span has its trace ID, span ID and kind, but other content.</summary>
    Twin = 4,
}
