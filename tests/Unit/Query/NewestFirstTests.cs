using CsCheck;
using TraceStore.Query.Planning;

namespace TraceStore.Tests.Unit.Query;

public class NewestFirstTests
{
    private const ulong Second = 1_000_000_000;
    private const ulong Minute = 60 * Second;
    private const ulong Now = 1_800_000_000_000_000_000; // a whole hour

    [Fact]
    public void Pieces_begin_where_buckets_do_and_are_four_times_as_long_from_the_longest_on() => Assert.Equal(
        [
            new TimeRange(Now - (2 * Second), Now + Second),
            new TimeRange(Now - (10 * Second), Now - (2 * Second)),
            new TimeRange(Now - Minute, Now - (10 * Second)),
            new TimeRange(Now - (5 * Minute), Now - Minute),
            new TimeRange(Now - (20 * Minute), Now - (5 * Minute)),
            new TimeRange(Now - (60 * Minute), Now - (20 * Minute)),
        ],
        NewestFirst.Windows(new TimeRange(Now - (60 * Minute), Now + Second), Now));

    [Fact]
    public void A_moment_amid_a_bucket_has_the_whole_bucket_in_its_piece() => Assert.Equal(
        [Now, Now - (10 * Second), Now - Minute, Now - (5 * Minute)],
        NewestFirst.Windows(null, Now + (3 * Second)).Take(4).Select(window => window.StartUnixNano));

    [Fact]
    public void What_starts_in_the_future_belongs_to_the_first_piece() =>
        Assert.Equal(new TimeRange(Now - (2 * Second), ulong.MaxValue), NewestFirst.Windows(null, Now).First());

    [Fact]
    public void All_of_time_takes_few_pieces() => Assert.InRange(NewestFirst.Windows(null, Now).Count(), 2, 16);

    [Fact]
    public void Pieces_cover_any_range_without_gap_or_overlap() => Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong).Sample((start, end, now) =>
    {
        TimeRange[] windows = [.. NewestFirst.Windows(new TimeRange(start, end), now)];

        Assert.Equal(end, windows[0].EndUnixNano);
        Assert.Equal(start, windows[^1].StartUnixNano);
        Assert.All(windows.Zip(windows.Skip(1)), pair =>
        {
            Assert.Equal(pair.First.StartUnixNano, pair.Second.EndUnixNano);
            Assert.True(pair.Second.StartUnixNano < pair.Second.EndUnixNano, "a piece is empty");
        });
    });
}
