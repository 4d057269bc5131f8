namespace TraceStore.Collector.Pipeline;

/// <summary>The answer to an export, in no protocol's terms.</summary>
/// <param name="Kind">Which of OTLP's answers it is.</param>
/// <param name="RejectedSpans">Spans rejected for good.</param>
/// <param name="Message">Why, in words.</param>
/// <param name="RetryAfter">When to try again, for <see cref="ExportOutcomeKind.Unavailable"/>.</param>
public sealed record ExportOutcome(ExportOutcomeKind Kind, int RejectedSpans = 0, string Message = "", TimeSpan RetryAfter = default);

public enum ExportOutcomeKind
{
    /// <summary>What wasn't rejected is durable.</summary>
    Accepted,

    /// <summary>The request can't be read; sending it again won't help.</summary>
    Malformed,

    /// <summary>Nothing was taken; the client should send it again.</summary>
    Unavailable,
}
