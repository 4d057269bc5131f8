using Google.Rpc;
using Microsoft.AspNetCore.Http;

namespace TraceStore.Collector.Receivers;

/// <summary>A failure as OTLP/HTTP tells it (OTLP 1.11, "Failures" of OTLP/HTTP): 429, 502, 503 and 504 are sent again, others not.</summary>
internal sealed class HttpFailure : Exception
{
    private HttpFailure(int statusCode, Code code, string message, string? reason) : base(message) =>
        (StatusCode, Status, Reason) = (statusCode, new Status { Code = (int)code, Message = message }, reason);

    public int StatusCode { get; }

    /// <summary>The answer's body.</summary>
    public Status Status { get; }

    /// <summary>When to send it again; null when that is no use.</summary>
    public TimeSpan? RetryAfter { get; private init; }

    /// <summary>There is no answer that clients send again: the connection is closed.</summary>
    public bool IsAborting { get; private init; }

    /// <summary>What it is counted under; null when the pipeline has counted it.</summary>
    public string? Reason { get; }

    public static HttpFailure Malformed(string message, string? reason = "not_otlp") => new(StatusCodes.Status400BadRequest, Code.InvalidArgument, message, reason);

    public static HttpFailure Unsupported(string message) => new(StatusCodes.Status415UnsupportedMediaType, Code.InvalidArgument, message, "not_otlp");

    public static HttpFailure TooLarge(int maxBytes) => new(
        StatusCodes.Status413PayloadTooLarge, Code.ResourceExhausted, $"The request is larger than {maxBytes} bytes, the most that is taken, also decompressed (Otlp:MaxRequestBytes).", "request_size");

    public static HttpFailure TooSlow(TimeSpan timeout) => new(
        StatusCodes.Status408RequestTimeout, Code.DeadlineExceeded, $"The request took longer than {timeout.TotalSeconds} s to come (Otlp:ReceiveTimeout).", "too_slow") { IsAborting = true };

    /// <summary>Overload: nothing was taken, and the client is told when to send it again. Whoever refuses it has counted it.</summary>
    public static HttpFailure Unavailable(string message, TimeSpan retryAfter) =>
        new(StatusCodes.Status503ServiceUnavailable, Code.Unavailable, message, reason: null) { RetryAfter = retryAfter };
}
