namespace TraceStore.Tests.Systems.Torture;

/// <summary>Something that happens to a running TraceStore. When <see cref="Strike"/> is over, it runs again or soon will.</summary>
internal sealed record Fault(string Name, Func<TortureSite, Random, Task> Strike)
{
    /// <summary>What can happen to any TraceStore.</summary>
    private static readonly Fault[] s_everywhere =
    [
        new("kill the process", async (site, random) =>
        {
            site.KillProcess();
            await UpToAsync(random, 200);
            await site.StartProcessAsync();
        }),
        new("kill the engine", (site, _) => site.KillEngineAsync()),
        new("kill both", async (site, random) =>
        {
            Task engine = site.KillEngineAsync();
            site.KillProcess();
            await engine;
            await site.StartProcessAsync();
        }),
        new("kill the process, and again while it starts", async (site, random) =>
        {
            site.KillProcess();
            for (int time = random.Next(1, 3); time > 0; time--) await site.KillWhileStartingAsync(TimeSpan.FromMilliseconds(random.Next(50, 900)));
            await site.StartProcessAsync();
        }),
        new("freeze the process", async (site, random) =>
        {
            site.SignalProcess(Signal.Stop);
            await UpToAsync(random, 4_000); // clients give up after three seconds, and send again
            site.SignalProcess(Signal.Continue);
        }),
        new("freeze the engine", async (site, random) =>
        {
            IReadOnlyList<int> engine = site.EngineProcesses();
            foreach (int process in engine) TortureSite.Send(process, Signal.Stop);
            await UpToAsync(random, 3_000); // inserts are in doubt after one second
            foreach (int process in engine) TortureSite.Send(process, Signal.Continue);
        }),
        new("freeze the engine and kill the process", async (site, random) =>
        {
            IReadOnlyList<int> engine = site.EngineProcesses();
            foreach (int process in engine) TortureSite.Send(process, Signal.Stop);
            await UpToAsync(random, 1_500);
            site.KillProcess();
            Task start = site.StartProcessAsync();
            await UpToAsync(random, 1_000);
            foreach (int process in engine) TortureSite.Send(process, Signal.Continue);
            await start;
        }),
        new("freeze the process and kill the engine", async (site, random) =>
        {
            site.SignalProcess(Signal.Stop);
            await UpToAsync(random, 300);
            Task engine = site.KillEngineAsync();
            await UpToAsync(random, 1_000);
            site.SignalProcess(Signal.Continue);
            await engine;
        }),
        new("stop and start", async (site, _) =>
        {
            await site.StopProcessAsync();
            await site.StartProcessAsync();
        }),
    ];

    /// <summary>With the engine inside, and the data on a disk of its own.</summary>
    public static IReadOnlyList<Fault> Embedded { get; } =
    [
        .. s_everywhere,
        new("fill the disk", FillDiskAsync),
        new("fill the disk and kill the process", async (site, random) =>
        {
            await FillDiskAsync(site, random, site.KillProcess);
            await site.StartProcessAsync();
        }),
        new("fill the disk and kill the engine", (site, random) => FillDiskAsync(site, random, () => site.SignalEngine(Signal.Kill))),
    ];

    /// <summary>With ClickHouse elsewhere.</summary>
    public static IReadOnlyList<Fault> External { get; } =
    [
        .. s_everywhere.Where(fault => !fault.Name.Contains("while it starts", StringComparison.Ordinal)),
        new("cut the connection", async (site, random) =>
        {
            site.Wire!.Cut();
            await UpToAsync(random, 1_000);
            site.Wire.Mend();
        }),
        new("cut the connection within a block", async (site, random) =>
        {
            for (int time = 0; time < 4; time++)
            {
                site.Wire!.CutAfter(random.Next(1, 60_000));
                await UpToAsync(random, 400);
            }

            site.Wire!.Mend();
        }),
        new("swallow the answers", async (site, random) =>
        {
            site.Wire!.SwallowAnswers();
            await UpToAsync(random, 2_500);
            site.Wire.Mend();
        }),
        new("swallow the answers and kill the process", async (site, random) =>
        {
            site.Wire!.SwallowAnswers();
            await UpToAsync(random, 1_000);
            site.KillProcess();
            site.Wire.Mend();
            await site.StartProcessAsync();
        }),
        new("delay the connection", async (site, random) =>
        {
            site.Wire!.Delay(TimeSpan.FromMilliseconds(random.Next(50, 800)));
            await UpToAsync(random, 3_000);
            site.Wire.Mend();
        }),
    ];

    private static Task FillDiskAsync(TortureSite site, Random random) => FillDiskAsync(site, random, () => { });

    private static async Task FillDiskAsync(TortureSite site, Random random, Action meanwhile)
    {
        string ballast = site.Disk!.Fill();
        try
        {
            await UpToAsync(random, 800);
            meanwhile();
            await UpToAsync(random, 800);
        }
        finally
        {
            File.Delete(ballast);
        }
    }

    private static Task UpToAsync(Random random, int milliseconds) => Task.Delay(random.Next(milliseconds));
}
