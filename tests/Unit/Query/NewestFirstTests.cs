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
            new TimeRange(Now - (10 * Second), Now - (2 * Second) - 1),
            new TimeRange(Now - Minute, Now - (10 * Second) - 1),
            new TimeRange(Now - (5 * Minute), Now - Minute - 1),
            new TimeRange(Now - (20 * Minute), Now - (5 * Minute) - 1),
            new TimeRange(Now - (60 * Minute), Now - (20 * Minute) - 1),
        ],
        NewestFirst.Windows(new TimeRange(Now - (60 * Minute), Now + Second), Now));

    [Fact]
    public void A_moment_amid_a_bucket_has_the_whole_bucket_in_its_piece() => Assert.Equal(
        [Now, Now - (10 * Second), Now - Minute, Now - (5 * Minute)],
        NewestFirst.Windows(null, Now + (3 * Second)).Take(4).Select(window => window.FirstUnixNano));

    [Fact]
    public void What_starts_in_the_future_belongs_to_the_first_piece() =>
        Assert.Equal(new TimeRange(Now - (2 * Second), ulong.MaxValue), NewestFirst.Windows(null, Now).First());

    [Fact]
    public void An_intricate_search_of_all_time_takes_very_few() => Assert.InRange(NewestFirst.Windows(null, Now, isIntricate: true).Count(), 2, 6);

    [Fact]
    public void The_last_nanosecond_there_is_belongs_to_the_first_piece_and_the_first_to_the_last()
    {
        TimeRange[] windows = [.. NewestFirst.Windows(null, Now)];

        Assert.Equal((ulong.MaxValue, 0UL), (windows[0].LastUnixNano, windows[^1].FirstUnixNano));
    }

    [Fact]
    public void All_of_time_takes_few_pieces() => Assert.InRange(NewestFirst.Windows(null, Now).Count(), 2, 16);

    [Fact]
    public void Pieces_cover_any_range_without_gap_or_overlap() => Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong).Sample((start, end, now) =>
    {
        TimeRange[] windows = [.. NewestFirst.Windows(new TimeRange(start, end), now)];

        Assert.Equal(end, windows[0].LastUnixNano);
        Assert.Equal(start, windows[^1].FirstUnixNano);
        Assert.All(windows.Zip(windows.Skip(1)), pair =>
        {
            Assert.Equal(pair.First.FirstUnixNano, pair.Second.LastUnixNano + 1);
            Assert.True(pair.Second.FirstUnixNano <= pair.Second.LastUnixNano, "a piece is empty");
        });
    });
}
