using System.Diagnostics;
using System.Globalization;
using TraceStore.Tests;
using static TraceStore.Benchmarks.EndToEnd.LoadProcess;

namespace TraceStore.Benchmarks.EndToEnd;

/// <summary>
/// What everyday rates cost. For each rate, a TraceStore with nothing in it
/// <list type="number">
/// <item>is warmed at that rate, and then sent spans at it, which is measured;</item>
/// <item>is asked for traces by ID, one after the other;</item>
/// <item>is looked at: how soon after its acknowledgement a span is found.</item>
/// </list>
/// </summary>
internal static class RateRun
{
    private const int WarmSeconds = 20;
    private const int LookUps = 300;

    public static async Task RunAsync(IEnumerable<int> rates, int seconds)
    {
        List<RateFigures> figures = [];
        foreach (int rate in rates)
        {
            figures.Add(await MeasureAsync(rate, seconds));
            Console.WriteLine(RateFigures.Table(figures));
        }
    }

    private static async Task<RateFigures> MeasureAsync(int rate, int seconds)
    {
        using var data = new TemporaryDirectory();
        string ids = Path.Combine(data.Path, "ids");
        using MeasuredServer server = await MeasuredServer.StartAsync(data.Path);

        await LoadAsync(WarmSeconds); // 1
        Usage before = await Usage.OfAsync(server);
        LoadProcess load = await LoadAsync(seconds);
        await server.DrainAsync();
        Usage used = await Usage.OfAsync(server) - before;
        double memory = server.ProportionalMemory() / 1e6;

        double[] byId = await LookUpAsync(server, await File.ReadAllLinesAsync(ids)); // 2
        (double foundById, double foundBySearch) = await Visibility.MeasureAsync(server); // 3
        await server.StopAsync();
        return new RateFigures
        {
            Rate = rate,
            CollectorCores = used.Cpu.Collector / seconds,
            EngineCores = used.Cpu.Engine / seconds,
            MegabytesWrittenPerMinute = used.WrittenBytes / 1e6 / seconds * 60,
            BytesWrittenPerSpan = (double)used.WrittenBytes / load.Spans,
            PartsPerMinute = used.Parts * 60.0 / seconds,
            RewritesPerSpan = (double)used.MergedRows / load.Spans,
            MemoryMegabytes = memory,
            ExportP50 = load.P50,
            ExportP99 = load.P99,
            ByIdP50 = byId[byId.Length / 2],
            ByIdP99 = byId[byId.Length * 99 / 100],
            FoundById = foundById,
            FoundBySearch = foundBySearch,
        };

        Task<LoadProcess> LoadAsync(int duration) =>
            LoadProcess.RunAsync(server.OtlpPort, "--rate", Text(rate), "--duration", Text(duration), "--trace-ids", ids);
    }

    /// <summary>Milliseconds, in ascending order.</summary>
    private static async Task<double[]> LookUpAsync(MeasuredServer server, string[] ids)
    {
        double[] milliseconds = new double[LookUps];
        for (int i = -LookUps / 10; i < LookUps; i++) // the first ones warm
        {
            long started = Stopwatch.GetTimestamp();
            await server.Tempo.GetByteArrayAsync($"/api/traces/{ids[Random.Shared.Next(ids.Length)]}");
            if (i >= 0) milliseconds[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        return [.. milliseconds.Order()];
    }

    /// <summary>What a server has used since it began.</summary>
    /// <param name="Cpu">By both processes.</param>
    /// <param name="WrittenBytes">To disk, by both processes.</param>
    /// <param name="Parts">That inserts made, of any table.</param>
    /// <param name="MergedRows">Rows that merges have written, of any table.</param>
    private sealed record Usage(CpuSeconds Cpu, long WrittenBytes, long Parts, long MergedRows)
    {
        public static async Task<Usage> OfAsync(MeasuredServer server)
        {
            string[] events = (await server.AskAsync("SELECT sumIf(value, event = 'MergeTreeDataWriterBlocks'), sumIf(value, event = 'MergedRows') FROM system.events")).Split('\t');
            return new Usage(server.Cpu(), server.WrittenBytes(), Parse(events[0]), Parse(events[1]));
        }

        public static Usage operator -(Usage left, Usage right) =>
            new(left.Cpu - right.Cpu, left.WrittenBytes - right.WrittenBytes, left.Parts - right.Parts, left.MergedRows - right.MergedRows);

        private static long Parse(string number) => long.Parse(number, CultureInfo.InvariantCulture);
    }
}
