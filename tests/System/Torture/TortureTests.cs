namespace TraceStore.Tests.Systems.Torture;

/// <summary>With the engine inside, and the data on a small disk of its own where that can be had.</summary>
public sealed class EmbeddedTortureTests(ITestOutputHelper output)
{
    [Fact]
    public async Task With_the_engine_inside_nothing_is_lost_doubled_or_made_up()
    {
        using TemporaryDirectory data = SmallDisk.CanMount ? new SmallDisk(2_000) : new TemporaryDirectory();
        await new TortureRun(output).RunAsync(data, isExternal: false, [.. Fault.Embedded.Where(fault => SmallDisk.CanMount || !fault.Name.Contains("disk", StringComparison.Ordinal))]);
    }
}

/// <summary>With ClickHouse elsewhere, behind a wire that fails.</summary>
public sealed class ExternalTortureTests(ITestOutputHelper output)
{
    [Fact]
    public async Task With_clickhouse_elsewhere_nothing_is_lost_doubled_or_made_up()
    {
        using var data = new TemporaryDirectory();
        await new TortureRun(output).RunAsync(data, isExternal: true, Fault.External);
    }
}
