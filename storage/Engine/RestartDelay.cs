namespace TraceStore.Storage.Engine;

/// <summary>How long to wait before the engine is started again: doubling, so that one that can't start costs little.</summary>
internal static class RestartDelay
{
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(10);

    /// <param name="failures">Ends in a row that came soon after their start, this one included.</param>
    public static TimeSpan After(int failures)
    {
        TimeSpan doubled = s_first * Math.Pow(2, Math.Clamp(failures - 1, 0, 16));
        return doubled < s_longest ? doubled : s_longest;
    }
}
