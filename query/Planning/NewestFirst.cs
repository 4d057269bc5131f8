using TraceStore.Storage.Spans;

namespace TraceStore.Query.Planning;

/// <summary>
/// In which pieces a search looks at its time: as far back as the shortest bucket of spans is long, then as the next, and
/// from the longest on some times as far each time. So a search for something common reads little however densely spans
/// lie, and one for something rare not much more than all at once. A piece begins where a bucket of its length does, so that
/// few buckets lie in two. A search that takes ClickHouse long to make out has few pieces. Pure.
/// </summary>
internal static class NewestFirst
{
    private const ulong NanosecondsPerSecond = 1_000_000_000;
    private const ulong Growth = 4;
    private const ulong GrowthWhenIntricate = 64;

    /// <summary>The pieces of a time range, newest first, without gap or overlap.</summary>
    /// <param name="time">The range; null for all time.</param>
    /// <param name="nowUnixNano">Now: behind it little is to be expected, so that belongs to the first piece.</param>
    /// <param name="isIntricate">Whether each piece costs much, however little it holds.</param>
    public static IEnumerable<TimeRange> Windows(TimeRange? time, ulong nowUnixNano, bool isIntricate = false)
    {
        (ulong first, ulong last) = time is null ? (0, ulong.MaxValue) : (time.FirstUnixNano, time.LastUnixNano);
        ulong newest = Math.Min(last, nowUnixNano);
        foreach (ulong seconds in HowFarBack(isIntricate))
        {
            uint bucket = (uint)Math.Min(seconds, TimeBuckets.LongestSeconds);
            ulong from = seconds >= newest / NanosecondsPerSecond
                ? first
                : Math.Max(first, TimeBuckets.StartOf(newest - (seconds * NanosecondsPerSecond), bucket) * NanosecondsPerSecond);
            yield return new TimeRange(from, last);
            if (from == first) yield break;
            last = from - 1;
        }
    }

    /// <summary>Seconds, without end: who asks stops.</summary>
    private static IEnumerable<ulong> HowFarBack(bool isIntricate)
    {
        for (int i = isIntricate ? TimeBuckets.Lengths.Length - 1 : 0; i < TimeBuckets.Lengths.Length; i++) yield return TimeBuckets.Lengths[i];
        ulong growth = isIntricate ? GrowthWhenIntricate : Growth;
        for (ulong seconds = TimeBuckets.LongestSeconds * growth; ; seconds *= growth) yield return seconds;
    }
}
