namespace TraceStore.Collector.Receivers;

/// <summary>Bounds of the OTLP gRPC door.</summary>
public sealed record OtlpGrpcOptions
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
}
