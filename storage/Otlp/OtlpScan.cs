namespace TraceStore.Storage.Otlp;

/// <summary>What a scan found out about an export request.</summary>
/// <param name="SpanCount">Spans in the request, rejected ones included.</param>
/// <param name="Rejected">Spans that can't be stored, in request order.</param>
/// <param name="Malformed">Set when the request isn't protobuf, or nests without end: none of it can be taken.</param>
public sealed record OtlpScan(int SpanCount, IReadOnlyList<RejectedSpan> Rejected, MalformedRequest? Malformed)
{
    /// <summary>Spans that can be stored.</summary>
    public int AcceptedSpans => SpanCount - Rejected.Count;
}

/// <summary>A span that can't be stored.</summary>
/// <param name="Ordinal">Its place among the request's spans, from 0.</param>
/// <param name="Description">Names it by what it has: place, name, span ID.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record RejectedSpan(int Ordinal, string Description, string Reason)
{
    public override string ToString() => $"{Description}: {Reason}";
}

/// <summary>Where, and by what, a request failed to be OTLP.</summary>
/// <param name="Offset">Bytes from the start of the (decompressed) request.</param>
/// <param name="Reason">What is wrong there.</param>
public sealed record MalformedRequest(int Offset, string Reason)
{
    public override string ToString() => $"{Reason} at offset {Offset}";
}
