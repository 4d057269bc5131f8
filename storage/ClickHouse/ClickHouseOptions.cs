namespace TraceStore.Storage.ClickHouse;

/// <summary>Which ClickHouse holds the spans, over its HTTP interface.</summary>
public sealed record ClickHouseOptions
{
    /// <summary>The HTTP interface of an external ClickHouse, such as http://clickhouse:8123. Null: the embedded engine.</summary>
    public Uri? Url { get; init; }

    /// <summary>Where requests go; to the embedded engine whoever sends them finds the way.</summary>
    internal Uri HttpUrl => Url ?? new Uri("http://localhost");

    public string User { get; init; } = "default";

    public string Password { get; init; } = "";

    /// <summary>Created at start if need be.</summary>
    public string Database { get; init; } = "tracestore";

    /// <summary>A query that takes longer is ended, in ClickHouse too.</summary>
    public TimeSpan QueryTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What a query may take of ClickHouse's memory; 0 for what ClickHouse itself allows.</summary>
    public long MaxQueryMemoryBytes { get; init; }

    /// <summary>How long the newest spans wait in memory, where queries find them, until they are stored as one block; many wait for less.</summary>
    public TimeSpan MaxBlockAge { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>An insert that takes longer is ended and settled.</summary>
    public TimeSpan InsertTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// ClickHouse's disk keeps so much free: below, it takes no more spans, which wait in the log. Merges and queries need it.
    /// </summary>
    public long MinFreeBytes { get; init; } = 1L << 30;
}
