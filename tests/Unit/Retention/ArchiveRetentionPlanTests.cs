using TraceStore.Storage.Archive;
using TraceStore.Storage.Retention;
using TraceStore.Storage.Snapshots;
using TraceStore.Tests.Unit.Snapshots;

namespace TraceStore.Tests.Unit.Retention;

public sealed class ArchiveRetentionPlanTests
{
    private static readonly DateTimeOffset s_start = new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ArchiveRetentionOptions s_options = new() { PointInTimeWindow = TimeSpan.FromDays(3), DailySnapshots = 2 };

    [Fact]
    public void Without_snapshots_everything_is_kept()
    {
        ArchiveRetentionPlan plan = ArchiveRetentionPlan.Of(OneEpoch(days: 10), [], At(10), s_options);
        Assert.Equal([new LogReason(1, 1, "the newest instant reads it")], plan.Logs);
        Assert.Empty(plan.Trim(OneEpoch(days: 10)).Logs);
    }

    /// <summary>A snapshot every half day for ten days; segments count hours.</summary>
    [Fact]
    public void Kept_are_the_last_day_one_a_day_what_is_marked_and_what_the_window_begins_with()
    {
        ArchiveHead head = OneEpoch(days: 10) with { Trim = new ArchiveTrim(At(6.6), []) };
        StoredSnapshot[] snapshots = [.. Enumerable.Range(1, 20).Select(i => Snapshot(i / 2.0, i == 3, i == 5 ? At(9) : null))];
        ArchiveRetentionPlan plan = ArchiveRetentionPlan.Of(head, snapshots, At(10.125), s_options);
        Assert.Equal(At(7.125), plan.Horizon);
        Assert.Equal(
            [
                (1.5, "it is pinned"),
                (2.5, "it is the newest that is verified"),
                (7, "the window's start (2026-11-08 03:00:00Z) begins with it"),
                (9.5, "it is of the last day"),
                (10, "it is the newest"),
            ],
            plan.Snapshots.Select(kept => ((kept.Id.Taken - s_start).TotalDays, kept.Reason)));
        Assert.Equal(15, plan.Expired.Count);
        Assert.Equal([new LogReason(1, 7 * 24, "the window's start (2026-11-08 03:00:00Z) reads it")], plan.Logs);
        Assert.Equal([new TrimmedLog(1, 7 * 24)], plan.Trim(head).Logs);
    }

    [Fact]
    public void The_windows_start_never_goes_back_and_on_by_a_day_at_most()
    {
        Assert.Equal(At(1), ArchiveRetentionPlan.Of(OneEpoch(days: 10), [], At(400), s_options).Horizon);
        Assert.Equal(At(0.5), ArchiveRetentionPlan.Of(OneEpoch(days: 0.5), [], At(400), s_options).Horizon); // nor past what is known to be complete
        ArchiveHead trimmed = OneEpoch(days: 10) with { Trim = new ArchiveTrim(At(6), []) };
        Assert.Equal(At(6), ArchiveRetentionPlan.Of(trimmed, [], At(5), s_options).Horizon);
        Assert.Equal(At(6.5), ArchiveRetentionPlan.Of(trimmed, [], At(9.5), s_options).Horizon);
    }

    /// <summary>Epoch 2 went on from day 4 of epoch 1, which had gone on to day 6: what was received in between is on no way to the newest, but is promised.</summary>
    [Fact]
    public void An_instant_that_a_restore_has_left_behind_is_kept_for_as_long_as_any()
    {
        ArchiveFrontier end = Frontier(6);
        var head = new ArchiveHead(1, SnapshotManifestTests.Lineage, [new ArchiveEpoch(1, 11, 1, At(0), null, end), new ArchiveEpoch(2, 22, 1, At(6.5), new ArchiveOrigin(1, Frontier(4), At(4)))], null, Frontier(8), 1);
        StoredSnapshot[] snapshots = [Snapshot(1), Snapshot(3), Snapshot(5), Snapshot(7.5, epoch: 2), Snapshot(8, epoch: 2)];
        ArchiveRetentionPlan inside = ArchiveRetentionPlan.Of(head with { Trim = new ArchiveTrim(At(5), []) }, snapshots, At(8), s_options);
        Assert.Equal([3, 5, 7.5, 8], inside.Snapshots.Select(kept => (kept.Id.Taken - s_start).TotalDays)); // 3: epoch 2 begins with it
        Assert.Equal([(1u, 72ul), (2u, 1ul)], inside.Logs.Select(log => (log.Epoch, log.FirstGroup)));

        ArchiveRetentionPlan past = ArchiveRetentionPlan.Of(head with { Frontier = Frontier(12), Trim = new ArchiveTrim(At(8), []) }, [.. snapshots, Snapshot(12, epoch: 2)], At(12), s_options);
        Assert.Equal([8, 12], past.Snapshots.Select(kept => (kept.Id.Taken - s_start).TotalDays));
        Assert.Equal([new TrimmedLog(1, null), new TrimmedLog(2, 8 * 24)], past.Trim(head).Logs);
    }

    /// <summary>The window's start goes on although nothing is deleted yet, or it would wait for a snapshot of the first day for ever.</summary>
    [Fact]
    public void Who_takes_snapshots_rarely_has_a_window_as_well()
    {
        ArchiveHead head = OneEpoch(days: 4.5);
        for (double day = 4.5; day < 12; day += 1)
        {
            StoredSnapshot[] snapshots = [.. new[] { 4.0, 8.0 }.Where(taken => taken < day).Select(taken => Snapshot(taken))];
            head = head with { Frontier = Frontier(day) };
            head = head with { Trim = ArchiveRetentionPlan.Of(head, snapshots, At(day), s_options).Trim(head) };
        }

        Assert.Equal(At(8), head.Trim!.Horizon); // a day at a time
        Assert.Equal([new TrimmedLog(1, 8 * 24)], head.Trim.Logs);
    }

    /// <summary>Somebody restored an old snapshot by itself: the log behind it is gone, and isn't needed.</summary>
    [Fact]
    public void An_epoch_that_went_on_from_a_snapshot_alone_needs_that_snapshot()
    {
        StoredSnapshot old = Snapshot(1, isPinned: true);
        var head = new ArchiveHead(
            1, SnapshotManifestTests.Lineage,
            [new ArchiveEpoch(1, 11, 1, At(0), null, Frontier(9)), new ArchiveEpoch(2, 22, 1, At(9.5), new ArchiveOrigin(1, Frontier(1), null))],
            null, Frontier(10), 1, new ArchiveTrim(At(6.5), [new TrimmedLog(1, 150)]));
        ArchiveRetentionPlan plan = ArchiveRetentionPlan.Of(head, [old, Snapshot(6.5), Snapshot(8), Snapshot(10, epoch: 2)], At(10), s_options);
        Assert.Empty(plan.Lost);
        Assert.Contains(plan.Snapshots, kept => kept.Id == old.Id);
        Assert.Equal([(1u, 156ul), (2u, 1ul)], plan.Logs.Select(log => (log.Epoch, log.FirstGroup)));
    }

    [Fact]
    public void Where_the_windows_snapshot_is_gone_the_window_begins_with_the_next_and_it_is_told()
    {
        ArchiveHead head = OneEpoch(days: 10) with { Trim = new ArchiveTrim(At(7), [new TrimmedLog(1, 160)]) };
        ArchiveRetentionPlan plan = ArchiveRetentionPlan.Of(head, [Snapshot(2), Snapshot(8), Snapshot(9)], At(10), s_options);
        Assert.Equal(At(8), plan.Horizon);
        Assert.Equal("No instant from 2026-11-08 00:00:00Z to 2026-11-09 00:00:00Z can be restored any more: snapshots or groups of the log that it needs are gone.", Assert.Single(plan.Lost));
        Assert.Equal([new LogReason(1, 8 * 24, "the window's start (2026-11-09 00:00:00Z) reads it")], plan.Logs);
    }

    private static ArchiveHead OneEpoch(double days) => new(1, SnapshotManifestTests.Lineage, [new ArchiveEpoch(1, 11, 1, At(0), null)], null, Frontier(days), 1);

    private static StoredSnapshot Snapshot(double day, bool isPinned = false, DateTimeOffset? verified = null, uint epoch = 1) =>
        new(new SnapshotEntry(new SnapshotId(At(day), epoch, (ulong)(day * 24)), isPinned, verified), SnapshotManifestTests.Sample(At(day), epoch, (ulong)(day * 24), epoch * 11) with { ReplayFrom = (ulong)(day * 24) });

    private static ArchiveFrontier Frontier(double day) => new((ulong)(day * 24), 1, At(day), 1, 1, 0);

    private static DateTimeOffset At(double day) => s_start.AddDays(day);
}
