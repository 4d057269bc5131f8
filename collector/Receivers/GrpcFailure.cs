using Google.Protobuf.WellKnownTypes;
using Google.Rpc;

namespace TraceStore.Collector.Receivers;

/// <summary>Failures as OTLP wants them told (OTLP 1.11, "Failures" and "OTLP/gRPC Throttling").</summary>
internal static class GrpcFailure
{
    public static Status Of(Code code, string message) => new() { Code = (int)code, Message = message };

    /// <summary>Overload: nothing was taken, and the client is told when to send it again.</summary>
    public static Status Unavailable(string message, TimeSpan retryAfter)
    {
        Status status = Of(Code.Unavailable, message);
        status.Details.Add(Any.Pack(new RetryInfo { RetryDelay = Duration.FromTimeSpan(retryAfter) }));
        return status;
    }

    public static Status TooLarge(int maxBytes) =>
        Of(Code.ResourceExhausted, $"The request is larger than {maxBytes} bytes, the most that is taken, also decompressed (Otlp:MaxRequestBytes).");
}
