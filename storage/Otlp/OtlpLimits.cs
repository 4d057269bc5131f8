namespace TraceStore.Storage.Otlp;

/// <summary>How much a request may hold. What is over a limit is rejected with the reason, never cut.</summary>
public sealed record OtlpLimits
{
    /// <summary>
    /// The deepest nesting that any setting allows: it bounds the stack of every reader behind the scanner, and keeps below
    /// the 100 at which generated parsers give up.
    /// </summary>
    public const int DeepestNesting = 64;

    /// <summary>The most spans that any setting allows: a request fits into one segment, and so into one block.</summary>
    public const int MostSpans = 500_000;

    /// <summary>Spans in one request.</summary>
    public int MaxSpans { get; init; } = MostSpans;

    /// <summary>Attributes of one resource, scope, span, event or link, and entries of one map. SDKs' default is 128.</summary>
    public int MaxAttributes { get; init; } = 1_024;

    /// <summary>Messages within a span's field nest at most this deep, an array in an attribute being two, a map three.</summary>
    public int MaxNestingDepth { get; init; } = DeepestNesting;

    /// <summary>Bytes of one text or bytes value: an attribute's, a name, a status message.</summary>
    public int MaxValueBytes { get; init; } = 4 << 20;
}
