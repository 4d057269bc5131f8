using CsCheck;
using TraceStore.Query.Planning;

namespace TraceStore.Tests.Unit.Query;

public class NewestFirstTests
{
    private const ulong Minute = 60_000_000_000;
    private const ulong Now = 1_800_000_000_000_000_000;

    [Fact]
    public void The_newest_minute_comes_first_and_each_piece_is_four_times_as_long() => Assert.Equal(
        [
            new TimeRange(Now - Minute, Now),
            new TimeRange(Now - (5 * Minute), Now - Minute),
            new TimeRange(Now - (21 * Minute), Now - (5 * Minute)),
            new TimeRange(Now - (60 * Minute), Now - (21 * Minute)),
        ],
        NewestFirst.Windows(new TimeRange(Now - (60 * Minute), Now), Now));

    [Fact]
    public void What_starts_in_the_future_belongs_to_the_first_piece() =>
        Assert.Equal(new TimeRange(Now - Minute, ulong.MaxValue), NewestFirst.Windows(null, Now).First());

    [Fact]
    public void All_of_time_takes_few_pieces() => Assert.InRange(NewestFirst.Windows(null, Now).Count(), 2, 15);

    [Fact]
    public void Pieces_cover_any_range_without_gap_or_overlap() => Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong).Sample((start, end, now) =>
    {
        TimeRange[] windows = [.. NewestFirst.Windows(new TimeRange(start, end), now)];

        Assert.Equal(end, windows[0].EndUnixNano);
        Assert.Equal(start, windows[^1].StartUnixNano);
        Assert.All(windows.Zip(windows.Skip(1)), pair => Assert.Equal(pair.First.StartUnixNano, pair.Second.EndUnixNano));
    });
}
