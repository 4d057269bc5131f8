using TraceStore.Storage.Archive;
using TraceStore.Storage.Restore;

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

    [Theory]
    [InlineData(-1, "The archive begins at 2026-11-27 10:00:00Z, after 2026-11-27 09:59:00Z. Any instant from 2026-11-27 10:00:00Z to 2026-11-27 10:42:00Z can be restored.")]
    [InlineData(43, "The archive isn't known to be complete up to 2026-11-27 10:43:00Z. Any instant from 2026-11-27 10:00:00Z to 2026-11-27 10:42:00Z can be restored. Without --to, everything that is there is restored.")]
    [InlineData(9, "Epoch 1 isn't known to be complete up to 2026-11-27 10:09:00Z, only up to 2026-11-27 10:08:00Z; the next one begins at 2026-11-27 10:10:00Z.")]
    public void What_the_archive_does_not_reach_is_refused(int minute, string expected) =>
        Assert.Equal(expected, Assert.Throws<RestoreRefusedException>(() => RestorePlan.Of(Head(), At(minute))).Message);

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
