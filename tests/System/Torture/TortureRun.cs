using System.Diagnostics;
using System.Globalization;

namespace TraceStore.Tests.Systems.Torture;

/// <summary>
/// The promise against the worst: under load, at random moments, something breaks; after each round spans and every derived
/// table are held against a ledger of what was acknowledged. Few rounds by default; tests/README.md has the command for many.
/// </summary>
internal sealed class TortureRun(ITestOutputHelper output)
{
    private static readonly int s_rounds = Read("TORTURE_ROUNDS", otherwise: 8);
    private static readonly int s_seed = Read("TORTURE_SEED", otherwise: Environment.TickCount);

    public async Task RunAsync(TemporaryDirectory data, bool isExternal, IReadOnlyList<Fault> faults)
    {
        Say($"seed {s_seed}, {s_rounds} rounds");
        var random = new Random(s_seed);
        var ledger = new Ledger();
        var struck = new SortedDictionary<string, int>();
        var total = new SortedDictionary<string, Difference>();
        long started = Stopwatch.GetTimestamp();
        using var elsewhere = new TemporaryDirectory();
        await using TortureSite site = await TortureSite.StartAsync(data, elsewhere, isExternal);
        await using var load = new TortureLoad(ledger, site.OtlpPort);
        for (int round = 0; round < s_rounds; round++)
        {
            // Each fault comes equally often, in any order.
            if (round % faults.Count == 0) faults = [.. faults.OrderBy(_ => random.Next())];
            Fault fault = faults[round % faults.Count];
            struck[fault.Name] = struck.GetValueOrDefault(fault.Name) + 1;

            IReadOnlyDictionary<string, Difference> differences;
            try
            {
                load.Resume();
                await Task.Delay(random.Next(100, 600));
                await fault.Strike(site, random);
                await Task.Delay(random.Next(0, 300));
                await load.PauseAsync();
                await site.WaitUntilStoredAsync(ledger);
                differences = await ledger.CompareAsync(site.AskAsync);
            }
            catch (Exception e)
            {
                Say($"round {round}, {fault.Name}: {e.Message} {load.LastRefusal}");
                Say(site.Output);
                throw;
            }

            foreach ((string table, Difference difference) in differences)
            {
                total[table] = total.GetValueOrDefault(table) + difference;
                if (difference != default) Say($"round {round}, {fault.Name}: {table}: {difference}");
            }

            if (differences.Values.Any(difference => difference != default)) Say(site.Output);
            if (round % 25 == 24) Say($"{round + 1} rounds, {ledger.Spans} spans acknowledged, {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s");
            Assert.All(differences, difference => Assert.True(difference.Value == default, $"round {round}, {fault.Name}: {difference.Key}: {difference.Value}"));
        }

        await site.StopProcessAsync();
        foreach ((string table, Difference difference) in await site.CompareRestoredAsync(ledger))
        {
            Say($"  restored from the archive: {table}: {difference}");
            Assert.True(difference == default, $"restored from the archive: {table}: {difference}");
        }

        Say($"{s_rounds} rounds in {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s: {load.Requests} requests of {ledger.Spans} spans acknowledged, {load.Resends} resends");
        foreach ((string fault, int times) in struck) Say($"  {times,4} × {fault}");
        foreach ((string table, Difference difference) in total) Say($"  {table}: {difference}");
        Assert.True(load.Requests > s_rounds);
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        if (s_rounds > 25) Console.WriteLine(line); // a run of many minutes shows that it goes on
    }

    private static int Read(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
