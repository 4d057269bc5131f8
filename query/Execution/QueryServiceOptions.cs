namespace TraceStore.Query.Execution;

/// <summary>Bounds on the queries that run at once, so that many take no more than few.</summary>
public sealed record QueryServiceOptions
{
    /// <summary>Searches at once; more wait.</summary>
    public int MaxSearches { get; init; } = 2 * Environment.ProcessorCount;

    /// <summary>Look-ups by ID and lists at once; more wait.</summary>
    public int MaxLookUps { get; init; } = 4 * Environment.ProcessorCount;

    /// <summary>How long one waits; then its client is told to come again.</summary>
    public TimeSpan MaxWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a whole request may take, waiting included.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>An answer that reads more is refused.</summary>
    public long MaxAnswerBytes { get; init; } = 256L << 20;
}
