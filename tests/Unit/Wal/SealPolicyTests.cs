using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

public class SealPolicyTests
{
    private static readonly WalOptions s_options = new()
    {
        Directory = "",
        MaxSegmentAge = TimeSpan.FromMilliseconds(400),
        MaxSegmentBytes = 1_000,
        MaxSegmentSpans = 10,
    };

    [Theory]
    [InlineData(399, 999, 9, false)]
    [InlineData(400, 0, 0, true)]
    [InlineData(0, 1_000, 0, true)]
    [InlineData(0, 0, 10, true)]
    public void A_segment_is_due_by_age_bytes_or_spans(int ageMilliseconds, long bytes, int spans, bool isDue) =>
        Assert.Equal(isDue, SealPolicy.IsDue(TimeSpan.FromMilliseconds(ageMilliseconds), new SegmentFill(bytes, spans), s_options));

    [Theory]
    [InlineData(0, 0, 5_000, 50, true)]
    [InlineData(900, 9, 100, 1, true)]
    [InlineData(900, 9, 101, 1, false)]
    [InlineData(900, 9, 100, 2, false)]
    public void A_record_fits_while_bytes_and_spans_stay_within_bounds_and_always_into_an_empty_segment(
        long bytes, int spans, long recordBytes, int recordSpans, bool fits) =>
        Assert.Equal(fits, SealPolicy.Fits(new SegmentFill(bytes, spans), new SegmentFill(recordBytes, recordSpans), s_options));
}
