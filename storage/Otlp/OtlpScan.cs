namespace TraceStore.Storage.Otlp;

/// <summary>What a scan found out about an export request.</summary>
/// <param name="SpanCount">Spans in the request, rejected ones included.</param>
/// <param name="Rejected">Spans that can't be stored.</param>
/// <param name="Malformed">Set when the request isn't protobuf, or has too many spans: none of it can be taken.</param>
public sealed record OtlpScan(int SpanCount, RejectedSpans Rejected, MalformedRequest? Malformed)
{
    /// <summary>
    /// Set where nothing was found that could hold spans, though there were bytes: what there was instead, in words.
    /// </summary>
    public string? NotUnderstood { get; init; }

    /// <summary>Spans that can be stored.</summary>
    public int AcceptedSpans => SpanCount - Rejected.Count;
}

/// <summary>Where, and by what, a request failed to be OTLP.</summary>
/// <param name="Offset">Bytes from the start of the (decompressed) request.</param>
/// <param name="Reason">What is wrong there.</param>
/// <param name="IsOverLimit">It is OTLP, but too much of it.</param>
public sealed record MalformedRequest(int Offset, string Reason, bool IsOverLimit = false)
{
    public override string ToString() => $"{Reason} at offset {Offset}";
}
