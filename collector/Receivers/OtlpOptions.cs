namespace TraceStore.Collector.Receivers;

/// <summary>Bounds of OTLP's doors, which share the memory for requests.</summary>
public sealed record OtlpOptions
{
    /// <summary>The largest request, before and after decompression; OTLP 1.11 recommends 64 MiB.</summary>
    public int MaxRequestBytes { get; init; } = 64 << 20;

    /// <summary>
    /// Requests in memory at once come to so many bytes, as they came and decompressed; more are told to come again. A
    /// request takes up to three times its size for a moment.
    /// </summary>
    public long MaxBytesInFlight { get; init; } = 256L << 20;

    /// <summary>How long a request's bytes may take to come.</summary>
    public TimeSpan ReceiveTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Web pages from which browsers may send: origins such as https://shop.example, or * for all. Pages of this machine may
    /// always.
    /// </summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];
}
