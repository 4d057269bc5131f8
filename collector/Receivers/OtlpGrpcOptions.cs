namespace TraceStore.Collector.Receivers;

/// <summary>Bounds of the OTLP gRPC door.</summary>
public sealed record OtlpGrpcOptions
{
    /// <summary>The largest request, before and after decompression (OTLP 1.11 recommends 64 MiB); gRPC enforces it.</summary>
    public const int MaxRequestBytes = 64 << 20;

    /// <summary>Exports whose requests are in memory at once: gRPC reads a request whole before our code sees it.</summary>
    public int MaxConcurrentExports { get; init; } = 64;

    /// <summary>Exports that wait, unread, for one of those places; more are told to come again.</summary>
    public int MaxQueuedExports { get; init; } = 1_000;
}
