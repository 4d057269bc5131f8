namespace TraceStore.Query.Planning;

/// <summary>
/// In which pieces a search looks at its time: the newest minute, then what lies before it, each piece four times as long
/// as the one after it. So a search for something common reads little, and one for something rare not much more than all
/// at once. Pure.
/// </summary>
internal static class NewestFirst
{
    private const ulong FirstNanoseconds = 60_000_000_000;
    private const ulong Growth = 4;

    /// <summary>The pieces of a time range, newest first, without gap or overlap.</summary>
    /// <param name="time">The range; null for all time.</param>
    /// <param name="nowUnixNano">Now: behind it little is to be expected, so that belongs to the first piece.</param>
    public static IEnumerable<TimeRange> Windows(TimeRange? time, ulong nowUnixNano)
    {
        (ulong start, ulong end) = time is null ? (0, ulong.MaxValue) : (time.StartUnixNano, time.EndUnixNano);
        ulong length = FirstNanoseconds;
        ulong from = Before(Math.Min(end, nowUnixNano));
        yield return new TimeRange(from, end);
        while (from > start)
        {
            length = checked(length * Growth);
            ulong until = from;
            from = Before(until);
            yield return new TimeRange(from, until);
        }

        ulong Before(ulong until) => until > start && until - start > length ? until - length : start;
    }
}
