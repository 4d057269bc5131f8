namespace TraceStore.Settings;

/// <summary>
/// Defaults for a kind of machine, by the setting <c>Profile</c>; what is set by itself wins. <c>small</c> is for machines of a
/// gigabyte: less is taken at once, so more is told to come again, and what is large is refused.
/// </summary>
internal static class SettingsProfile
{
    public const string Key = "Profile";
    public const string Default = "default", Small = "small";

    private static readonly Dictionary<string, string> s_small = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Otlp:MaxRequestBytes"] = "8MiB", // while one is decompressed it takes up to three times as much, and a client has half of what follows
        ["Otlp:MaxBytesInFlight"] = "48MiB",
        ["Wal:MaxSegmentBytes"] = "16MiB",
        ["Wal:MaxSegmentSpans"] = "50000",
        ["Wal:MaxPendingBytes"] = "64MiB",
        ["Query:MaxSearches"] = "1",
        ["Query:MaxAnswerBytes"] = "64MiB",
        ["Engine:MaxMemory"] = "384MiB",
    };

    public static IReadOnlyList<string> All { get; } = [Default, Small];

    /// <summary>The profile's settings and their values.</summary>
    public static IReadOnlyDictionary<string, string> Of(string? profile) => profile == Small ? s_small : new Dictionary<string, string>();
}
