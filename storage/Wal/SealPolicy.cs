namespace TraceStore.Storage.Wal;

/// <summary>Decides when a segment is sealed.</summary>
internal static class SealPolicy
{
    public static bool IsDue(TimeSpan age, long bytes, int spans, WalOptions options) =>
        age >= options.MaxSegmentAge || bytes >= options.MaxSegmentBytes || spans >= options.MaxSegmentSpans;
}
