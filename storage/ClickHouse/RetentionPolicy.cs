namespace TraceStore.Storage.ClickHouse;

/// <summary>How much is kept. Days of receipt go whole, oldest first; the newest one and today never go.</summary>
public sealed record RetentionOptions
{
    /// <summary>A day of spans goes when it is older than this.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromDays(14);

    /// <summary>What all tables may take on disk; 0 for no bound.</summary>
    public long MaxBytes { get; init; }
}

/// <summary>One day of receipt, in all tables.</summary>
public readonly record struct DayPartition(DateOnly Day, long Bytes);

/// <summary>A day to be dropped, and why.</summary>
public sealed record ExpiredDay(DayPartition Partition, string Reason, bool IsByAge = false);

/// <summary>
/// Decides which days go. Pure. A clock that is wrong must not cost what was kept: age counts from the newest day that has
/// spans, so that a long pause or a clock far ahead expires nothing by itself; one day goes by age at a time; and days that
/// no right clock has written (the future, ten years ago and more) are left to the bound on size and to people.
/// </summary>
public static class RetentionPolicy
{
    private const int WrongClockDays = 3_650;

    /// <param name="days">The days that there are.</param>
    /// <param name="today">By the clock.</param>
    /// <param name="options">How much is kept.</param>
    /// <param name="reallyReceived">When the spans of a day were really received, where a wrong clock has dated them; the day itself elsewhere.</param>
    public static IReadOnlyList<ExpiredDay> Choose(IReadOnlyList<DayPartition> days, DateOnly today, RetentionOptions options, Func<DateOnly, DateOnly>? reallyReceived = null)
    {
        reallyReceived ??= day => day;
        List<ExpiredDay> expired = [];
        DayPartition[] oldestFirst = [.. days.OrderBy(day => day.Day)];

        DayPartition[] believable = [.. oldestFirst.Where(day => day.Day <= today.AddDays(1) && day.Day > today.AddDays(-WrongClockDays))];
        DayPartition[] byAge = [.. believable.OrderBy(day => reallyReceived(day.Day))];
        if (byAge.Length > 1 && reallyReceived(byAge[^1].Day).DayNumber - reallyReceived(byAge[0].Day).DayNumber > options.MaxAge.TotalDays)
        {
            expired.Add(new ExpiredDay(byAge[0], $"older than {options.MaxAge.TotalDays:0.##} days (Retention:MaxAge)", IsByAge: true));
        }

        long kept = oldestFirst.Sum(day => day.Bytes) - expired.Sum(day => day.Partition.Bytes);
        foreach (DayPartition day in oldestFirst.SkipLast(1).Where(day => day.Day != today && expired.All(other => other.Partition != day)))
        {
            if (options.MaxBytes == 0 || kept <= options.MaxBytes) break;
            expired.Add(new ExpiredDay(day, $"the tables take {kept >> 20} MiB, more than {options.MaxBytes >> 20} (Retention:MaxBytes)"));
            kept -= day.Bytes;
        }

        return expired;
    }
}
