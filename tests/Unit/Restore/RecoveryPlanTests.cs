using TraceStore.Storage.Restore;

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
    };

    [Fact]
    public void A_good_plan_has_nothing_broken()
    {
        RecoveryPlan plan = RecoveryPlan.Of(Good);
        Assert.Equal(FindingLevel.Warning, plan.Worst); // until a restore was rehearsed
        Assert.DoesNotContain(plan.Findings, finding => finding.Level == FindingLevel.Broken);
        Assert.Equal(TimeSpan.FromSeconds(3), plan.Facts.RecoveryPointAge);
    }

    [Theory]
    [InlineData("none", "Nothing is archived: ")]
    [InlineData("away", "The archive can't be read. ")]
    [InlineData("same disk", "s3://bucket/traces is on the same disk as the data: ")]
    [InlineData("no head", "There is no archive in s3://bucket/traces yet.")]
    [InlineData("another's", "s3://bucket/traces holds the archive of another TraceStore ")]
    [InlineData("unknown", "Nothing is known to be completely archived yet.")]
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
    [InlineData("plain", "The archive isn't encrypted: ")]
    public void What_makes_it_worse_is_said(string what, string expected)
    {
        RecoveryPlan plan = RecoveryPlan.Of(what switch
        {
            "this host" => Good with { IsOnThisHost = true },
            "clocks" => Good with { ClocksApart = TimeSpan.FromSeconds(-90) },
            "holes" => Good with { Head = RestorePlanTests.Head() },
            _ => Good with { IsEncrypted = false },
        });
        Assert.Contains(plan.Findings, finding => finding.What.StartsWith(expected, StringComparison.Ordinal));
    }
}
