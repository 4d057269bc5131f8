using TraceStore.Storage.Otlp;

namespace TraceStore.Collector.Pipeline;

/// <summary>Bounds on what clients send, whatever the protocol.</summary>
public sealed record IngestOptions
{
    /// <summary>What one request may hold.</summary>
    public OtlpLimits Limits { get; init; } = new();

    /// <summary>
    /// What one client may send, in bytes of OTLP a second over some seconds, so that a noisy one can't fill the log for
    /// all; 0 for no bound. A client is an address.
    /// </summary>
    public long MaxClientBytesPerSecond { get; init; }
}
