using TraceStore.Storage.Archive;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Storage.Retention;

/// <summary>What an archive keeps.</summary>
public sealed record ArchiveRetentionOptions
{
    /// <summary>Any instant of so much time can be restored.</summary>
    public TimeSpan PointInTimeWindow { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Of so many days, the newest that have one, the last snapshot is kept.</summary>
    public int DailySnapshots { get; init; } = 14;

    /// <summary>All snapshots of so much time are kept: what happened a moment ago is looked for first.</summary>
    public TimeSpan AllSnapshots { get; init; } = TimeSpan.FromDays(1);
}

/// <summary>A snapshot that there is, with what is needed to plan by it.</summary>
/// <param name="Entry">What the list says of it.</param>
/// <param name="ReplayFrom">The archived group in which the log goes on begins with this segment.</param>
public sealed record StoredSnapshot(SnapshotEntry Entry, ulong ReplayFrom);

/// <summary>A snapshot and why it is kept.</summary>
public sealed record SnapshotReason(SnapshotId Id, string Reason);

/// <summary>An epoch's log from a group on, and why it is kept.</summary>
public sealed record LogReason(uint Epoch, ulong FirstGroup, string Reason);

/// <summary>
/// What of an archive is needed, and what isn't any more. Pure.
/// <list type="number">
/// <item>Kept are the snapshots of the last day, one of each day, the newest, the newest verified, those that are pinned.</item>
/// <item>Promised is any instant of the window. The plan to be at one changes only where an epoch or a snapshot begins, and behind a snapshot it needs
/// less: so the plans for the window's start and for each epoch's start need all that any instant's does. The snapshots that they begin with are
/// kept as well.</item>
/// <item>The log is kept from the first group on that one of these plans reads.</item>
/// </list>
/// </summary>
/// <param name="Horizon">Any instant from then on can be restored.</param>
/// <param name="Snapshots">Those that are kept.</param>
/// <param name="Expired">Those that aren't.</param>
/// <param name="Logs">What is kept of which epoch's log; of others nothing is.</param>
public sealed record ArchiveRetentionPlan(DateTimeOffset Horizon, IReadOnlyList<SnapshotReason> Snapshots, IReadOnlyList<SnapshotId> Expired, IReadOnlyList<LogReason> Logs)
{
    /// <summary>The window's start goes on by no more at once: a clock that has jumped is noticed before it costs everything.</summary>
    private static readonly TimeSpan s_largestStep = TimeSpan.FromDays(1);

    /// <summary>What the archive's head says of it.</summary>
    public ArchiveTrim Trim(ArchiveHead head)
    {
        Dictionary<uint, ulong> kept = Logs.ToDictionary(log => log.Epoch, log => log.FirstGroup);
        return new ArchiveTrim(
            Horizon,
            [
                .. from epoch in head.Epochs
                   let first = kept.TryGetValue(epoch.Number, out ulong segment) ? segment : (ulong?)null
                   where first != epoch.First
                   select new TrimmedLog(epoch.Number, first),
            ]);
    }

    public static ArchiveRetentionPlan Of(ArchiveHead head, IReadOnlyList<StoredSnapshot> snapshots, DateTimeOffset now, ArchiveRetentionOptions options)
    {
        var reasons = new Dictionary<SnapshotId, string>();
        foreach ((SnapshotId id, string reason) in WantedAnyway(snapshots, now, options)) reasons.TryAdd(id, reason); // 1

        DateTimeOffset horizon = HorizonOf(head, now - options.PointInTimeWindow);
        var logs = new Dictionary<uint, LogReason>();
        foreach ((RestorePlan plan, string why) in Demanding(head, horizon)) // 2
        {
            SnapshotId? by = plan.Choose(snapshots.Select(snapshot => snapshot.Entry.Id));
            if (by is not null) reasons.TryAdd(by, $"{why} begins with it");
            foreach (RestoreStretch stretch in by is null ? plan.Stretches : plan.Stretches.SkipWhile(stretch => stretch.Epoch.Number != by.Epoch)) // 3
            {
                ulong first = stretch.Epoch.Number == by?.Epoch ? snapshots.First(snapshot => snapshot.Entry.Id == by).ReplayFrom : head.FirstGroup(stretch.Epoch) ?? stretch.Epoch.First;
                if (!logs.TryGetValue(stretch.Epoch.Number, out LogReason? before) || first < before.FirstGroup) logs[stretch.Epoch.Number] = new LogReason(stretch.Epoch.Number, first, $"{why} reads it");
            }
        }

        return new ArchiveRetentionPlan(
            horizon,
            [.. reasons.Select(kept => new SnapshotReason(kept.Key, kept.Value)).OrderBy(kept => kept.Id.Taken)],
            [.. snapshots.Select(snapshot => snapshot.Entry.Id).Where(id => !reasons.ContainsKey(id))],
            [.. logs.Values.OrderBy(log => log.Epoch)]);
    }

    /// <summary>Never back, and never past what is known to be complete: an instant behind that is promised as soon as it is.</summary>
    private static DateTimeOffset HorizonOf(ArchiveHead head, DateTimeOffset start)
    {
        DateTimeOffset known = head.Trim?.Horizon ?? head.Epochs[0].Began;
        DateTimeOffset most = head.Frontier.CompleteThrough is { } complete && complete < known + s_largestStep ? complete : known + s_largestStep;
        if (head.Frontier.CompleteThrough is null || start < known || most < known) return known;
        return start < most ? start : most;
    }

    private static IEnumerable<(SnapshotId, string)> WantedAnyway(IReadOnlyList<StoredSnapshot> snapshots, DateTimeOffset now, ArchiveRetentionOptions options)
    {
        SnapshotEntry[] entries = [.. snapshots.Select(snapshot => snapshot.Entry).OrderBy(entry => entry.Id.Taken)];
        if (entries.Length == 0) yield break;
        foreach (SnapshotEntry entry in entries.Where(entry => entry.IsPinned)) yield return (entry.Id, "it is pinned");
        yield return (entries[^1].Id, "it is the newest");
        if (entries.LastOrDefault(entry => entry.Verified is not null) is { } verified) yield return (verified.Id, "it is the newest that is verified");
        foreach (SnapshotEntry entry in entries.Where(entry => entry.Id.Taken > now - options.AllSnapshots)) yield return (entry.Id, "it is of the last day");
        foreach (var day in entries.GroupBy(entry => entry.Id.Taken.UtcDateTime.Date).OrderByDescending(day => day.Key).Take(options.DailySnapshots)) yield return (day.Last().Id, "it is its day's last");
    }

    /// <summary>The plans that need all that any promised one does.</summary>
    private static IEnumerable<(RestorePlan, string)> Demanding(ArchiveHead head, DateTimeOffset horizon)
    {
        yield return (RestorePlan.Of(head, null), "the newest instant");
        if (TryPlan(head, horizon) is { } first) yield return (first, $"the window's start ({horizon.UtcDateTime:u})");
        foreach (ArchiveEpoch epoch in head.Epochs.Where(epoch => epoch.Began > horizon))
        {
            if (TryPlan(head, epoch.Began) is { } plan) yield return (plan, $"the start of epoch {epoch.Number}");
        }
    }

    /// <summary>Null where nothing is promised: before an epoch nobody wrote, and of some nothing was ever completely archived.</summary>
    private static RestorePlan? TryPlan(ArchiveHead head, DateTimeOffset instant)
    {
        try
        {
            return RestorePlan.Of(head, instant);
        }
        catch (RestoreRefusedException)
        {
            return null;
        }
    }
}
