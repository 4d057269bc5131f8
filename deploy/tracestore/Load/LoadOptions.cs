namespace TraceStore.Load;

/// <summary>Where a load goes, and how much of it.</summary>
internal sealed record LoadOptions
{
    public required Uri Url { get; init; }

    public OtlpProtocol Protocol { get; init; }

    /// <summary>Requests are sent over so many connections, on each one at a time.</summary>
    public int Connections { get; init; } = 4;

    /// <summary>Spans a second over all connections; null: as fast as they are taken.</summary>
    public int? SpansPerSecond { get; init; }

    /// <summary>When to end; null: after <see cref="Spans"/>.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>How many spans to send, rounded up to whole requests; null: until <see cref="Duration"/> is over.</summary>
    public long? Spans { get; init; }

    public LoadShape Shape { get; init; } = new();

    /// <summary>A file that gets the IDs of all traces that were acknowledged, a line each; null for none.</summary>
    public string? TraceIdFile { get; init; }
}
