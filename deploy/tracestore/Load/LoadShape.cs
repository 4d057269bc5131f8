namespace TraceStore.Load;

/// <summary>What the generated traces look like. Equal shapes give equal spans, but for their times.</summary>
internal sealed record LoadShape
{
    /// <summary>Services, each with a resource of its own.</summary>
    public int Services { get; init; } = 20;

    public int SpansPerTrace { get; init; } = 10;

    public int SpansPerRequest { get; init; } = 1_000;

    /// <summary>Attributes of a span. On two spans of three one of them is an ID that never comes again.</summary>
    public int SpanAttributes { get; init; } = 8;

    public int ResourceAttributes { get; init; } = 8;

    /// <summary>Distinct keys that the spans' attributes have.</summary>
    public int AttributeKeys { get; init; } = 16;

    /// <summary>The share of spans that failed, 0 to 1.</summary>
    public double ErrorRate { get; init; } = 0.05;

    /// <summary>One span in so many has an event.</summary>
    public int SpansPerEvent { get; init; } = 10;

    public long Seed { get; init; }
}
