using TraceStore.Storage.ClickHouse;

namespace TraceStore.Tests.Unit.ClickHouse;

public class RetentionPolicyTests
{
    private const long MiB = 1 << 20;

    private static readonly DateOnly s_today = new(2026, 11, 22);
    private static readonly RetentionOptions s_week = new() { MaxAge = TimeSpan.FromDays(7) };

    [Fact]
    public void A_day_goes_when_it_is_older_than_its_age_oldest_first_and_one_at_a_time()
    {
        ExpiredDay expired = Assert.Single(RetentionPolicy.Choose(Days(0, 7, 8, 9), s_today, s_week));

        Assert.Equal((s_today.AddDays(-9), "older than 7 days (Retention:MaxAge)"), (expired.Partition.Day, expired.Reason));
        Assert.Empty(RetentionPolicy.Choose(Days(0, 7), s_today, s_week));
    }

    [Fact]
    public void After_a_long_pause_or_with_a_clock_far_ahead_nothing_expires_by_itself() =>
        Assert.Empty(RetentionPolicy.Choose(Days(100, 101, 107), s_today, s_week));

    [Fact]
    public void Days_that_no_right_clock_has_written_neither_expire_nor_make_others_expire() =>
        Assert.Empty(RetentionPolicy.Choose([new(new DateOnly(1970, 1, 1), MiB), .. Days(0, 1), new(new DateOnly(2040, 1, 1), MiB)], s_today, s_week));

    [Fact]
    public void Over_the_bound_on_size_the_oldest_days_go_until_the_rest_fits_but_never_the_newest()
    {
        RetentionOptions options = s_week with { MaxAge = TimeSpan.FromDays(100), MaxBytes = 2 * MiB };

        Assert.Equal([s_today.AddDays(-3), s_today.AddDays(-2)], RetentionPolicy.Choose(Days(1, 0, 3, 2), s_today, options).Select(expired => expired.Partition.Day));
        Assert.Equal("the tables take 4 MiB, more than 2 (Retention:MaxBytes)", RetentionPolicy.Choose(Days(1, 0, 3, 2), s_today, options)[0].Reason);
        Assert.Empty(RetentionPolicy.Choose(Days(0, 1), s_today, options));
        Assert.Empty(RetentionPolicy.Choose([new(s_today, 100 * MiB)], s_today, options));
    }

    [Fact]
    public void What_goes_by_age_counts_for_size() =>
        Assert.Single(RetentionPolicy.Choose(Days(0, 1, 9), s_today, s_week with { MaxBytes = 2 * MiB }));

    private static DayPartition[] Days(params int[] ages) => [.. ages.Select(age => new DayPartition(s_today.AddDays(-age), MiB))];
}
