using TraceStore.Storage.Archive;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;
using TraceStore.Tests.Unit.Snapshots;

namespace TraceStore.Tests.Unit.Restore;

public sealed class RestorePlanTests
{
    private static readonly DateTimeOffset s_start = new(2026, 11, 27, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_newest_is_everything_from_the_first_epoch_on()
    {
        RestorePlan plan = RestorePlan.Of(Head(), null);
        Assert.Equal([1u, 2u, 4u], plan.Stretches.Select(stretch => stretch.Epoch.Number));
        Assert.Equal([false, false, true], plan.Stretches.Select(stretch => stretch.IsWhole));
        Assert.Equal([null, At(15), null], plan.Stretches.Select(stretch => stretch.Until));
        Assert.Equal(111, plan.Size.Groups);
        Assert.Equal(2, plan.Holes);
        Assert.Equal(new ArchiveOrigin(4, Frontier(70, 42, 100, 1), null), plan.OriginAt(70));
    }

    /// <summary>Epoch 2 began at 10:10 and went on from 1; 3 at 10:20 from 2; 4 at 10:30 from 2 again, as it was at 10:15.</summary>
    [Theory]
    [InlineData(5, new uint[] { 1 })]
    [InlineData(12, new uint[] { 1, 2 })]
    [InlineData(25, new uint[] { 1, 2, 3 })]
    [InlineData(40, new uint[] { 1, 2, 4 })]
    public void An_instant_is_in_the_epoch_that_was_then_with_all_that_it_went_on_from(int minute, uint[] epochs)
    {
        RestorePlan plan = RestorePlan.Of(Head(), At(minute));
        Assert.Equal(epochs, plan.Stretches.Select(stretch => stretch.Epoch.Number));
        Assert.Equal(At(minute), plan.Stretches[^1].Until);
        Assert.All(plan.Stretches, stretch => Assert.False(stretch.IsWhole));
    }

    /// <summary>A log that was away: its epoch begins with what it received before the one in between ended.</summary>
    [Fact]
    public void Of_an_epoch_that_ended_behind_the_instant_only_what_came_before_it()
    {
        ArchiveHead head = Head();
        head = head with { Epochs = [.. head.Epochs.Take(2), head.Epochs[2] with { Began = At(15), From = new ArchiveOrigin(2, Frontier(60, 19, 5, 0), null) }, head.Epochs[3]] };
        Assert.Equal([null, At(17), At(17)], RestorePlan.Of(head, At(17)).Stretches.Select(stretch => stretch.Until));
        Assert.Equal([null, null, At(25)], RestorePlan.Of(head, At(25)).Stretches.Select(stretch => stretch.Until));
    }

    [Theory]
    [InlineData(-1, "The archive begins at 2026-11-27 10:00:00Z, after 2026-11-27 09:59:00Z. Any instant from 2026-11-27 10:00:00Z to 2026-11-27 10:42:00Z can be restored.")]
    [InlineData(43, "The archive isn't known to be complete up to 2026-11-27 10:43:00Z. Any instant from 2026-11-27 10:00:00Z to 2026-11-27 10:42:00Z can be restored. Without --to, everything that is there is restored.")]
    [InlineData(9, "Epoch 1 isn't known to be complete up to 2026-11-27 10:09:00Z, only up to 2026-11-27 10:08:00Z; the next one begins at 2026-11-27 10:10:00Z.")]
    public void What_the_archive_does_not_reach_is_refused(int minute, string expected) =>
        Assert.Equal(expected, Assert.Throws<RestoreRefusedException>(() => RestorePlan.Of(Head(), At(minute))).Message);

    /// <summary>The newest is in epoch 4, which went on from epoch 2 as it was at 10:15 in segment 30.</summary>
    [Theory]
    [InlineData(4, 35, 60, true)] // in the newest epoch
    [InlineData(4, 50, 80, true)] // and behind what its head knows
    [InlineData(2, 12, 20, true)] // an epoch before
    [InlineData(2, 15, 30, true)]
    [InlineData(2, 16, 30, false)] // what was received after the instant may be in it
    [InlineData(1, 8, 50, true)]
    [InlineData(1, 9, 51, false)] // an old writer's that went on alone
    [InlineData(3, 25, 10, false)] // on no way to the newest
    [InlineData(9, 25, 10, false)]
    public void A_snapshot_is_used_when_it_holds_nothing_but_what_is_planned(uint epoch, int minute, ulong segment, bool isOnTheWay) =>
        Assert.Equal(isOnTheWay, RestorePlan.Of(Head(), null).IsOnTheWay(new SnapshotId(At(minute), epoch, segment)));

    [Theory]
    [InlineData(31, null)]
    [InlineData(35, 35)]
    [InlineData(36, 35)]
    public void To_an_instant_leads_a_snapshot_that_was_taken_before(int minute, int? taken)
    {
        SnapshotId[] snapshots = [new(At(35), 4, 20), new(At(40), 4, 60), new(At(22), 3, 5)];
        Assert.Equal(taken is { } at ? At(at) : null, RestorePlan.Of(Head(), At(minute)).Choose(snapshots)?.Taken);
        Assert.Equal(At(40), RestorePlan.Of(Head(), null).Choose(snapshots)!.Taken);
    }

    [Fact]
    public void By_way_of_a_snapshot_only_what_came_behind_it_is_replayed()
    {
        RestorePlan all = RestorePlan.Of(Head(), null);
        RestorePlan plan = all.From(SnapshotManifestTests.Sample(At(12), epoch: 2, segment: 20, log: 22));
        Assert.Equal([2u, 4u], plan.Stretches.Select(stretch => stretch.Epoch.Number));
        Assert.Equal((18ul, 20ul), (plan.Stretches[0].FirstGroup, plan.Stretches[0].Behind));
        Assert.Equal((1ul, 0ul), (plan.Stretches[1].FirstGroup, plan.Stretches[1].Behind));
        Assert.Equal(3, plan.Snapshot!.Objects);
        Assert.Equal(all.OriginAt(75), plan.OriginAt(75));
        Assert.Throws<RestoreRefusedException>(() => all.From(SnapshotManifestTests.Sample(At(12), epoch: 2, segment: 20, log: 23)));
    }

    [Fact]
    public void A_snapshot_alone_needs_nothing_of_the_log()
    {
        RestorePlan plan = RestorePlan.OfSnapshot(Head(), SnapshotManifestTests.Sample(At(12), epoch: 2, segment: 20, log: 22));
        Assert.True(Assert.Single(plan.Stretches).IsNothing);
        Assert.Equal((3, 150), plan.Size);
        ArchiveOrigin origin = plan.OriginAt(FetchedLog.Before(plan.Stretches[0]).Next - 1);
        Assert.Equal((2u, 20ul, null), (origin.Epoch, origin.Frontier.Segment, origin.Until));
    }

    internal static ArchiveHead Head() => new(
        1, Guid.Parse("7a6f8f0a-6d39-4b0e-9d6e-0d0b8a3b6f00"),
        [
            new ArchiveEpoch(1, 11, 1, At(0), null, Frontier(50, 8, 10, 1)),
            new ArchiveEpoch(2, 22, 1, At(10), new ArchiveOrigin(1, Frontier(50, 8, 10, 1), null), Frontier(60, 19, 5, 0)),
            new ArchiveEpoch(3, 33, 1, At(20), new ArchiveOrigin(2, Frontier(60, 19, 5, 0), null), Frontier(20, 29, 3, 0)),
            new ArchiveEpoch(4, 44, 1, At(30), new ArchiveOrigin(2, Frontier(30, 16, 1, 0), At(15))),
        ],
        Writer: null, Frontier(70, 42, 100, 1), Revision: 9);

    private static ArchiveFrontier Frontier(ulong segment, int minute, long groups, long holes) => new(segment, segment * 10, At(minute), groups, groups * 1_000, holes);

    private static DateTimeOffset At(int minute) => s_start.AddMinutes(minute);
}
