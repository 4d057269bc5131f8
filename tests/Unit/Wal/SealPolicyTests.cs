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
        Assert.Equal(isDue, SealPolicy.IsDue(TimeSpan.FromMilliseconds(ageMilliseconds), bytes, spans, s_options));
}
