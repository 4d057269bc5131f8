using CsCheck;
using TraceStore.Storage.Spans;

namespace TraceStore.Tests.Unit.Spans;

public class TimeBucketsTests
{
    private const ulong Second = 1_000_000_000;

    [Theory]
    [InlineData(0, 0, 300)]
    [InlineData(10_000, 0.4, 300)] // 25,000 a second
    [InlineData(10_001, 0.4, 60)]
    [InlineData(100_000, 1, 60)]
    [InlineData(100_000, 60, 300)] // as many, in a log that is sealed seldom
    [InlineData(120_000, 0.4, 10)]
    [InlineData(170_000, 0.4, 2)]
    [InlineData(long.MaxValue, 1, 2)]
    public void Buckets_are_the_shorter_the_more_densely_spans_come(long spans, double seconds, uint expected) =>
        Assert.Equal(expected, TimeBuckets.LengthFor(spans, (ulong)(seconds * Second)));

    [Fact]
    public void One_request_alone_is_no_density() => Assert.Equal(TimeBuckets.LengthFor(1_000, within: 400_000_000), TimeBuckets.LengthFor(1_000, within: 0));

    [Fact]
    public void A_bucket_holds_its_moment_and_lies_in_one_of_each_longer_kind() =>
        Gen.Select(Gen.ULong, Gen.Int[0, TimeBuckets.Lengths.Length - 1]).Sample((moment, kind) =>
        {
            uint length = TimeBuckets.Lengths[kind];
            ulong start = TimeBuckets.StartOf(moment, length);

            Assert.InRange(moment / Second, start, start + length - 1);
            Assert.Equal(TimeBuckets.StartOf(moment, TimeBuckets.LongestSeconds), TimeBuckets.StartOf(start * Second, TimeBuckets.LongestSeconds));
        });
}
