using TraceStore.Query.Assembly;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Execution;

/// <summary>Spans as they were read, with the resources and scopes they refer to; disposing lets other queries have their memory.</summary>
/// <param name="Spans">The rows, in no order.</param>
/// <param name="Envelopes">The resources and scopes, by hash.</param>
/// <param name="IsCut">True when there were more rows than are read at once.</param>
/// <param name="Turn">The turn of the query.</param>
/// <param name="Missing">Why spans may be missing that were stored once; null when none are.</param>
public sealed record SpanRows(SpanBatch Spans, Envelopes Envelopes, bool IsCut, QueryGate.Turn? Turn = null, string? Missing = null) : IDisposable
{
    /// <summary>What to tell who reads a trace of which spans may be missing; null when none are.</summary>
    public string? Warning => IsCut ? $"There are more than {SpanReader.MaxSpans} spans; these are some of them." : Missing;

    public void Dispose()
    {
        Spans.Clear();
        Turn?.Dispose();
    }
}

/// <summary>What a search found; disposing lets other queries have its memory.</summary>
/// <param name="Traces">The traces, newest first.</param>
/// <param name="Spans">Their spans from afar: only the columns of a summary are filled.</param>
/// <param name="IsMatched">Per row, whether it is what was searched for.</param>
/// <param name="Asked">For each attribute that was asked for, per row its value (<see cref="Sql.AskedAttributeSql"/>).</param>
/// <param name="Envelopes">The resources, where one was asked about.</param>
/// <param name="Content">Per row, a hash of all that it holds; null where no two rows have one ID and kind, so that nobody asks.</param>
public sealed record SearchRows(IReadOnlyList<TraceId> Traces, SpanBatch Spans, NumberColumn<byte> IsMatched, IReadOnlyList<BytesColumn> Asked, Envelopes Envelopes, NumberColumn<ulong>? Content) : IDisposable
{
    public void Dispose()
    {
        Spans.Clear();
        foreach (BytesColumn column in Asked) column.Clear();
    }

    /// <summary>Whether two rows have one trace, ID and kind: only their content tells then whether they are one span.</summary>
    public bool HasEqualIds()
    {
        HashSet<(TraceId, SpanId, int)> seen = new(Spans.Count);
        for (int row = 0; row < Spans.Count; row++)
        {
            if (!seen.Add((TraceId.Read(Spans.TraceId[row]), SpanId.Read(Spans.SpanId(row)), Spans.Kind[row]))) return true;
        }

        return false;
    }
}

/// <summary>A span name of a service, and the kind it comes with (OTLP's number).</summary>
public sealed record Operation(string Name, int Kind);
