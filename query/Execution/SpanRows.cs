using TraceStore.Storage.Spans;

namespace TraceStore.Query.Execution;

/// <summary>Spans as they were read, with the resources and scopes they refer to.</summary>
/// <param name="Spans">The rows, in no order.</param>
/// <param name="Envelopes">The resources and scopes, by hash.</param>
/// <param name="IsCut">True when there were more rows than are read at once.</param>
public sealed record SpanRows(SpanBatch Spans, Envelopes Envelopes, bool IsCut)
{
    /// <summary>What to tell who reads a trace that is cut; null when it isn't.</summary>
    public string? Warning => IsCut ? $"There are more than {TraceReader.MaxSpans} spans; these are some of them." : null;
}

/// <summary>What a search found.</summary>
/// <param name="Traces">The traces, newest first.</param>
/// <param name="Spans">Their spans from afar: only the columns of a summary are filled.</param>
/// <param name="IsMatched">Per row, whether it is what was searched for.</param>
public sealed record SearchRows(IReadOnlyList<TraceId> Traces, SpanBatch Spans, NumberColumn<byte> IsMatched);

/// <summary>A span name of a service, and the kind it comes with (OTLP's number).</summary>
public sealed record Operation(string Name, int Kind);
