using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Tests.Unit.Restore;

public sealed class RecoveryPlanTests
{
    private static readonly DateTimeOffset s_now = new(2026, 11, 27, 10, 42, 5, TimeSpan.Zero);

    private static RecoveryFacts Good => new()
    {
        DataDirectory = "/data",
        Archive = "s3://bucket/traces",
        IsEncrypted = true,
        Now = s_now,
        Head = RestorePlanTests.Head() with { Frontier = RestorePlanTests.Head().Frontier with { Holes = 0 }, Epochs = [RestorePlanTests.Head().Epochs[0]] },
        CompleteThrough = s_now.AddSeconds(-3),
        SnapshotEvery = TimeSpan.FromHours(1),
        Snapshots = [new SnapshotEntry(new SnapshotId(s_now.AddMinutes(-50), 1, 40), false, null)],
        Drills = [Drill(-3, null), Drill(-40, "Damaged.")],
    };

    private static DrillReport Drill(int day, string? failure) => new(s_now.AddDays(day), "here", "1", failure, 1, 10, null, 5, null, null);

    [Fact]
    public void A_good_plan_has_nothing_broken()
    {
        RecoveryPlan plan = RecoveryPlan.Of(Good);
        Assert.Empty(plan.Findings);
        Assert.Equal(FindingLevel.Note, plan.Worst);
        Assert.Equal(TimeSpan.FromSeconds(3), plan.Facts.RecoveryPointAge);
    }

    [Theory]
    [InlineData("none", "Nothing is archived: ")]
    [InlineData("away", "The archive can't be read. ")]
    [InlineData("same disk", "s3://bucket/traces is on the same disk as the data: ")]
    [InlineData("no head", "There is no archive in s3://bucket/traces yet.")]
    [InlineData("another's", "s3://bucket/traces holds the archive of another TraceStore ")]
    [InlineData("unknown", "Nothing is known to be completely archived yet.")]
    [InlineData("drill failed", "The last drill, of 2026-11-26 10:42:05Z, failed. Damaged.")]
    [InlineData("snapshot damaged", "The newest snapshot can't be relied on. packs/")]
    [InlineData("old", "A disaster now would cost what was received in the last 10 minutes: ")]
    public void What_breaks_it_comes_first_with_what_to_do(string what, string expected)
    {
        RecoveryPlan plan = RecoveryPlan.Of(what switch
        {
            "none" => Good with { Archive = null },
            "away" => Good with { Failure = "Can't." },
            "same disk" => Good with { IsOnSameDisk = true, IsOnThisHost = true },
            "no head" => Good with { Head = null },
            "another's" => Good with { OwnLineage = Guid.NewGuid() },
            "unknown" => Good with { CompleteThrough = null },
            "drill failed" => Good with { Drills = [Drill(-1, "Damaged."), Drill(-2, null)] },
            "snapshot damaged" => Good with { SnapshotFailure = "packs/0 is missing." },
            _ => Good with { CompleteThrough = s_now.AddMinutes(-10) },
        });
        Assert.Equal(FindingLevel.Broken, plan.Worst);
        Assert.StartsWith(expected, plan.Findings[0].What, StringComparison.Ordinal);
        Assert.All(plan.Findings, finding => Assert.NotEmpty(finding.Mend));
    }

    [Theory]
    [InlineData("this host", "s3://bucket/traces is on this machine: ")]
    [InlineData("clocks", "The store's clock and this machine's are 90 s apart: ")]
    [InlineData("holes", "2 ranges of the log are lost: ")]
    [InlineData("late", "The newest snapshot is 3 hours old, though one is due every 60 minutes: ")]
    [InlineData("none", "There are no snapshots yet: ")]
    [InlineData("never taken", "No snapshot was ever taken, though one is due every 60.0 s: ")]
    [InlineData("external", "No snapshots are taken of an external ClickHouse: ")]
    [InlineData("held", "What was restored in /data is kept, ")]
    [InlineData("never rehearsed", "No restore from this archive was ever rehearsed.")]
    [InlineData("rehearsed long ago", "The last drill that passed is 31 days old.")]
    [InlineData("plain", "The archive isn't encrypted: ")]
    public void What_makes_it_worse_is_said(string what, string expected)
    {
        RecoveryPlan plan = RecoveryPlan.Of(what switch
        {
            "this host" => Good with { IsOnThisHost = true },
            "clocks" => Good with { ClocksApart = TimeSpan.FromSeconds(-90) },
            "late" => Good with { Snapshots = [new SnapshotEntry(new SnapshotId(s_now.AddHours(-3), 1, 40), false, null)] },
            "none" => Good with { Snapshots = [] },
            "never taken" => Good with { Snapshots = [], SnapshotEvery = TimeSpan.FromMinutes(1) },
            "external" => Good with { IsExternal = true, Snapshots = [] },
            "held" => Good with { IsHeld = true },
            "never rehearsed" => Good with { Drills = [] },
            "rehearsed long ago" => Good with { Drills = [Drill(-31, null)] },
            "holes" => Good with { Head = RestorePlanTests.Head() },
            _ => Good with { IsEncrypted = false },
        });
        Assert.Contains(plan.Findings, finding => finding.What.StartsWith(expected, StringComparison.Ordinal));
    }
}
