namespace TraceStore.Storage.Spans;

/// <summary>
/// Spans lie in buckets of time, and within a bucket by trace. A bucket is short where spans come so densely that the newest
/// couldn't be read soon otherwise; and long elsewhere, for whoever looks for a trace has to look into every bucket. Pure;
/// storage/decisions/0007 has the figures. The rule is part of a segment's block: changed, a segment that is in doubt at the
/// upgrade is told by looking, not by its token.
/// </summary>
public static class TimeBuckets
{
    private const ulong NanosecondsPerSecond = 1_000_000_000;

    /// <summary>A segment is sealed after so long by default: spans that came within less were alone, or fill it.</summary>
    private const double LeastSeconds = 0.4;

    /// <summary>How long a bucket may be, seconds; each a multiple of the one before, so that none lies across another's edge.</summary>
    public static ReadOnlySpan<uint> Lengths => [2, 10, 60, 300];

    public static uint LongestSeconds => Lengths[^1];

    /// <summary>Up to how many spans a second buckets are of each length.</summary>
    private static ReadOnlySpan<double> MostPerSecond => [double.PositiveInfinity, 300_000, 100_000, 25_000];

    /// <summary>The length of the buckets of spans that came together, seconds.</summary>
    /// <param name="spans">How many came.</param>
    /// <param name="within">Nanoseconds from the first's receipt to the last's.</param>
    public static uint LengthFor(long spans, ulong within)
    {
        double perSecond = spans / Math.Max(LeastSeconds, (double)within / NanosecondsPerSecond);
        int longest = Lengths.Length - 1;
        while (perSecond > MostPerSecond[longest]) longest--;
        return Lengths[longest];
    }

    /// <summary>When the bucket that holds a moment begins, seconds since 1970.</summary>
    /// <param name="unixNano">The moment, nanoseconds since 1970.</param>
    /// <param name="seconds">The bucket's length.</param>
    public static ulong StartOf(ulong unixNano, uint seconds) => unixNano / NanosecondsPerSecond / seconds * seconds;
}
