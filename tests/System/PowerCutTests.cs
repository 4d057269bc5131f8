using System.Diagnostics;
using TraceStore.Tests.Systems.Torture;

namespace TraceStore.Tests.Systems;

/// <summary>
/// A power cut, as far as it can be had without one: of a directory that is copied at an instant, everything is dropped that
/// wasn't synced. What was acknowledged by then must be there, once.
/// </summary>
public class PowerCutTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Without_what_was_not_synced_everything_acknowledged_is_there_once(int seed)
    {
        var random = new Random(seed);
        var ledger = new Ledger();
        using var data = new TemporaryDirectory();
        using var copy = new TemporaryDirectory();
        using var elsewhere = new TemporaryDirectory();
        await using (TortureSite site = await TortureSite.StartAsync(data, elsewhere, isExternal: false))
        await using (var load = new TortureLoad(ledger, site.OtlpPort))
        {
            // Parts are inserted, synced and merged; merges go on by themselves; then ClickHouse falls behind what is acknowledged.
            load.Resume();
            await Eventually.BeTrueAsync("the first segment that is stored", () => Task.FromResult(File.Exists(CursorIn(data.Path))), seconds: 120);
            await Task.Delay(random.Next(1_000, 3_000), TestContext.Current.CancellationToken);
            site.SignalProcess(Signal.Stop);
            await Task.Delay(random.Next(300, 1_500), TestContext.Current.CancellationToken);
            site.SignalEngine(Signal.Stop);
            site.SignalProcess(Signal.Continue);
            await Task.Delay(random.Next(50, 500), TestContext.Current.CancellationToken);
            await load.PauseAsync();
            site.SignalProcess(Signal.Stop);
            Run("cp", "-a", data.Path + "/.", copy.Path);
            site.SignalEngine(Signal.Kill);
            site.KillProcess();
        }

        int dropped = DropUnsynced(copy.Path, random);
        output.WriteLine($"{dropped} parts dropped, {ledger.Spans} spans acknowledged");

        await using TortureSite again = await TortureSite.StartAsync(copy, elsewhere, isExternal: false);
        try
        {
            await again.WaitUntilStoredAsync(ledger);
        }
        finally
        {
            output.WriteLine(again.Output);
        }

        Assert.All(await ledger.CompareAsync(again.AskAsync), difference => Assert.Equal(default, difference.Value));
        Assert.True(ledger.Spans > 100);
    }

    /// <summary>
    /// The cursor moves only after everything was synced. So of ClickHouse's, only what is newer than the cursor may be
    /// lost; of the log's, only what lies behind the last acknowledged record: nothing, or a tail of zeros or noise.
    /// </summary>
    private static int DropUnsynced(string data, Random random)
    {
        string wal = Path.Combine(data, "wal");
        DateTime synced = File.GetLastWriteTimeUtc(CursorIn(data));
        int dropped = 0;
        foreach (string part in Directory.GetDirectories(Path.Combine(data, "engine", "tables", "store"), "*_*_*", SearchOption.AllDirectories))
        {
            bool isLost = Directory.GetFiles(part).Select(File.GetLastWriteTimeUtc).Append(Directory.GetLastWriteTimeUtc(part)).Max() > synced;
            if (!isLost || !Directory.Exists(part)) continue;
            Directory.Delete(part, recursive: true);
            dropped++;
        }

        byte[] tail = new byte[random.Next(3) * 4_096];
        if (random.Next(2) == 0) random.NextBytes(tail);
        using var newest = new FileStream(Directory.GetFiles(wal, "*.wal").Order().Last(), FileMode.Append);
        newest.Write(tail);
        return dropped;
    }

    private static string CursorIn(string data) => Path.Combine(data, "wal", "clickhouse.cursor");

    private static void Run(string command, params string[] arguments)
    {
        using Process process = Process.Start(command, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
