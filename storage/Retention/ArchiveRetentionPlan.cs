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

/// <summary>A snapshot that there is, with its manifest.</summary>
public sealed record StoredSnapshot(SnapshotEntry Entry, SnapshotManifest Manifest)
{
    public SnapshotId Id => Entry.Id;
}

/// <summary>A snapshot and why it is kept.</summary>
public sealed record SnapshotReason(SnapshotId Id, string Reason);

/// <summary>An epoch's log from a group on, and why it is kept.</summary>
public sealed record LogReason(uint Epoch, ulong FirstGroup, string Reason);

/// <summary>
/// What of an archive is needed, and what isn't any more. Pure.
/// <list type="number">
/// <item>Kept are the snapshots of the last day, one of each day, the newest, the newest verified, those that are pinned.</item>
/// <item>Promised is any instant of the window. The plan to be at one changes only where an epoch or a snapshot begins, and behind a snapshot it needs
/// less: so the plans for the window's start and for each epoch's start need all that any instant's does. They are made as a restore makes them, of
/// what is still kept; the snapshots that they begin with are kept as well.</item>
/// <item>The log is kept from the first group on that one of these plans reads.</item>
/// <item>Where somebody else has deleted what a plan needs, the window begins where one can be made again, and that is told.</item>
/// </list>
/// </summary>
/// <param name="Horizon">Any instant from then on can be restored.</param>
/// <param name="Snapshots">Those that are kept.</param>
/// <param name="Expired">Those that aren't.</param>
/// <param name="Logs">What is kept of which epoch's log; of others nothing is.</param>
/// <param name="Lost">Promised instants that can't be restored any more, in words.</param>
public sealed record ArchiveRetentionPlan(
    DateTimeOffset Horizon, IReadOnlyList<SnapshotReason> Snapshots, IReadOnlyList<SnapshotId> Expired, IReadOnlyList<LogReason> Logs, IReadOnlyList<string> Lost)
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

    /// <summary>Whether what the head promises could still be kept without a snapshot; why not, in words, else null.</summary>
    public static string? WhyNeeded(ArchiveHead head, IReadOnlyList<StoredSnapshot> snapshots, SnapshotId id, ArchiveRetentionOptions options)
    {
        DateTimeOffset promised = (head.Trim?.Horizon ?? head.Epochs[0].Began) + options.PointInTimeWindow;
        return Of(head, [.. snapshots.Where(snapshot => snapshot.Id != id)], promised, options).Lost.Except(Of(head, snapshots, promised, options).Lost).FirstOrDefault();
    }

    public static ArchiveRetentionPlan Of(ArchiveHead head, IReadOnlyList<StoredSnapshot> snapshots, DateTimeOffset now, ArchiveRetentionOptions options)
    {
        var reasons = new Dictionary<SnapshotId, string>();
        var logs = new Dictionary<uint, LogReason>();
        List<string> lost = [];
        foreach ((SnapshotId id, string reason) in WantedAnyway(snapshots, now, options)) reasons.TryAdd(id, reason); // 1

        DateTimeOffset wanted = HorizonOf(head, now - options.PointInTimeWindow), horizon = wanted;
        if (TryPlan(head, wanted) is { } atStart && ByWayOf(head, atStart, snapshots) is null) // 4
        {
            horizon = snapshots.Select(snapshot => snapshot.Id.Taken).Where(taken => taken > wanted && TryPlan(head, taken) is { } plan && ByWayOf(head, plan, snapshots) is not null).DefaultIfEmpty(head.Frontier.CompleteThrough ?? wanted).Min();
            lost.Add($"No instant from {wanted.UtcDateTime:u} to {horizon.UtcDateTime:u} can be restored any more: snapshots or groups of the log that it needs are gone.");
        }

        foreach ((RestorePlan asked, string why) in Demanding(head, horizon)) // 2
        {
            if (ByWayOf(head, asked, snapshots) is not { } plan)
            {
                lost.Add($"{char.ToUpperInvariant(why[0])}{why[1..]} can't be restored any more: snapshots or groups of the log that it needs are gone.");
                continue;
            }

            if (plan.Snapshot is { } by) reasons.TryAdd(by.Id, $"{why} begins with it");
            foreach (RestoreStretch stretch in plan.Stretches.Where(stretch => !stretch.IsNothing)) // 3
            {
                uint epoch = stretch.Epoch.Number;
                if (!logs.TryGetValue(epoch, out LogReason? before) || stretch.FirstGroup < before.FirstGroup) logs[epoch] = new LogReason(epoch, stretch.FirstGroup, $"{why} reads it");
            }
        }

        return new ArchiveRetentionPlan(
            horizon,
            [.. reasons.Select(kept => new SnapshotReason(kept.Key, kept.Value)).OrderBy(kept => kept.Id.Taken)],
            [.. snapshots.Select(snapshot => snapshot.Id).Where(id => !reasons.ContainsKey(id))],
            [.. logs.Values.OrderBy(log => log.Epoch)],
            lost);
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

        // Of the newest epoch, instants are promised as soon as anything of it is complete
        ArchiveHead soon = head.Frontier.CompleteThrough >= head.Current.Began ? head : head with { Frontier = head.Frontier with { CompleteThrough = head.Current.Began } };
        foreach (ArchiveEpoch epoch in head.Epochs.Where(epoch => epoch.Began > horizon))
        {
            if (TryPlan(soon, epoch.Began) is { } plan) yield return (plan, $"the start of epoch {epoch.Number}");
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

    /// <summary>The plan as a restore would make it; null where none can be made.</summary>
    private static RestorePlan? ByWayOf(ArchiveHead head, RestorePlan plan, IReadOnlyList<StoredSnapshot> snapshots)
    {
        Dictionary<SnapshotId, SnapshotManifest> left = snapshots.ToDictionary(snapshot => snapshot.Id, snapshot => snapshot.Manifest);
        while (plan.Choose(left.Keys) is { } id)
        {
            if (left.Remove(id, out SnapshotManifest? manifest) && TryCheck(head, () => plan.From(manifest)) is { } byWayOf) return byWayOf;
        }

        return TryCheck(head, () => plan);
    }

    private static RestorePlan? TryCheck(ArchiveHead head, Func<RestorePlan> make)
    {
        try
        {
            RestorePlan plan = make();
            plan.CheckKept(head);
            return plan;
        }
        catch (RestoreRefusedException)
        {
            return null;
        }
    }
}
