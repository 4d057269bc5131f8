using TraceStore.Storage.Spans;

namespace TraceStore.Query.Planning;

/// <summary>
/// In which pieces a search looks at its time: as far back as the shortest bucket of spans is long, then as the next, and
/// from the longest on four times as far each time. So a search for something common reads little however densely spans
/// lie, and one for something rare not much more than all at once. A piece begins where a bucket of its length does, so that
/// few buckets lie in two. Pure.
/// </summary>
internal static class NewestFirst
{
    private const ulong NanosecondsPerSecond = 1_000_000_000;
    private const ulong Growth = 4;

    /// <summary>The pieces of a time range, newest first, without gap or overlap.</summary>
    /// <param name="time">The range; null for all time.</param>
    /// <param name="nowUnixNano">Now: behind it little is to be expected, so that belongs to the first piece.</param>
    public static IEnumerable<TimeRange> Windows(TimeRange? time, ulong nowUnixNano)
    {
        (ulong start, ulong until) = time is null ? (0, ulong.MaxValue) : (time.StartUnixNano, time.EndUnixNano);
        ulong newest = Math.Min(until, nowUnixNano);
        foreach (ulong seconds in HowFarBack())
        {
            uint bucket = (uint)Math.Min(seconds, TimeBuckets.LongestSeconds);
            ulong from = seconds >= newest / NanosecondsPerSecond
                ? start
                : Math.Max(start, TimeBuckets.StartOf(newest - (seconds * NanosecondsPerSecond), bucket) * NanosecondsPerSecond);
            yield return new TimeRange(from, until);
            if (from == start) yield break;
            until = from;
        }
    }

    /// <summary>Seconds, without end: who asks stops.</summary>
    private static IEnumerable<ulong> HowFarBack()
    {
        for (int i = 0; i < TimeBuckets.Lengths.Length; i++) yield return TimeBuckets.Lengths[i];
        for (ulong seconds = TimeBuckets.LongestSeconds * Growth; ; seconds *= Growth) yield return seconds;
    }
}
