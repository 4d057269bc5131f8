namespace TraceStore.Storage.Spans;

/// <summary>
/// Spans lie in buckets of time, and within a bucket by trace. A bucket is the shorter the more densely spans come: long
/// enough that few need to be looked into for a trace, and short enough that the newest are read at once. Pure;
/// storage/decisions/0007 has the figures. The rule is part of a segment's block: changed, a segment that is in doubt at the
/// upgrade is told by looking, not by its token.
/// </summary>
public static class TimeBuckets
{
    private const ulong NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Spans in a bucket, about, at most; beyond 1 M spans/s there are more.</summary>
    private const double MostSpans = 2_000_000;

    /// <summary>A segment is sealed after so long by default: spans that came within less were alone, or fill it.</summary>
    private const double LeastSeconds = 0.4;

    /// <summary>How long a bucket may be, seconds; each a multiple of the one before, so that none lies across another's edge.</summary>
    public static ReadOnlySpan<uint> Lengths => [2, 10, 60, 300];

    public static uint LongestSeconds => Lengths[^1];

    /// <summary>The length of the buckets of spans that came together, seconds.</summary>
    /// <param name="spans">How many came.</param>
    /// <param name="within">Nanoseconds from the first's receipt to the last's.</param>
    public static uint LengthFor(long spans, ulong within)
    {
        double perSecond = spans / Math.Max(LeastSeconds, (double)within / NanosecondsPerSecond);
        for (int i = Lengths.Length - 1; i > 0; i--)
        {
            if (perSecond * Lengths[i] <= MostSpans) return Lengths[i];
        }

        return Lengths[0];
    }

    /// <summary>When the bucket that holds a moment begins, seconds since 1970.</summary>
    /// <param name="unixNano">The moment, nanoseconds since 1970.</param>
    /// <param name="seconds">The bucket's length.</param>
    public static ulong StartOf(ulong unixNano, uint seconds) => unixNano / NanosecondsPerSecond / seconds * seconds;
}
