using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using TraceStore.Load;
using TraceStore.Tests;
using static TraceStore.Benchmarks.EndToEnd.LoadProcess;

namespace TraceStore.Benchmarks.EndToEnd;

/// <summary>
/// Measures a whole TraceStore, as users run it, by the load that the other stores were measured by. Each repetition
/// <list type="number">
/// <item>sends spans flat out, waits until they are stored, and then until all is merged;</item>
/// <item>looks how soon after its acknowledgement a span is found;</item>
/// <item>sends at a steady rate, kills the process at once, starts it again and looks for what was acknowledged;</item>
/// <item>measures the floor.</item>
/// </list>
/// </summary>
internal static class EndToEndRun
{
    private const int Connections = 4;
    private const int SteadySpansPerSecond = 20_000;
    private const int TracesLookedFor = 600;

    public static async Task<int> RunAsync(string[] arguments)
    {
        var spans = new Option<int>("--spans") { Description = "Spans sent flat out", DefaultValueFactory = _ => 2_000_000 };
        var repetitions = new Option<int>("--repetitions") { Description = "How often all is measured", DefaultValueFactory = _ => 3 };
        var steady = new Option<int>("--steady-seconds") { Description = "How long to send at a steady rate; 0: not at all", DefaultValueFactory = _ => 30 };
        var rates = new Option<int[]>("--rates") { Description = "Instead of all that: what these rates cost, spans a second, such as 1000,2000,20000", CustomParser = Numbers };
        var noFloor = new Option<bool>("--no-floor") { Description = "Don't measure the floor" };
        var command = new RootCommand("Measures a whole TraceStore.") { spans, repetitions, steady, noFloor, rates };
        command.SetAction(async (parsed, _) =>
        {
            if (parsed.GetValue(rates) is { Length: > 0 } asked)
            {
                await RateRun.RunAsync(asked, parsed.GetValue(steady));
                return;
            }

            List<Figures> figures = [];
            for (int i = 0; i < parsed.GetValue(repetitions); i++)
            {
                figures.Add(await MeasureAsync(parsed.GetValue(spans), parsed.GetValue(steady), !parsed.GetValue(noFloor)));
                Console.WriteLine(Figures.Table(figures));
            }
        });
        return await command.Parse(arguments).InvokeAsync();
    }

    private static int[] Numbers(ArgumentResult option) =>
        [.. option.Tokens.SelectMany(token => token.Value.Split(',')).Select(number => int.Parse(number, CultureInfo.InvariantCulture))];

    private static async Task<Figures> MeasureAsync(int spans, int steadySeconds, bool withFloor)
    {
        var figures = new Figures();
        var shape = new LoadShape { Seed = Random.Shared.Next(1 << 20) };
        using var data = new TemporaryDirectory();
        IReadOnlyList<int> blockSizes = await MeasureFlatOutAsync(data.Path, spans, shape, figures); // 1, 2
        if (steadySeconds > 0) await MeasureSteadyAsync(steadySeconds, figures); // 3
        if (withFloor) // 4
        {
            (double stored, double settled) = await Floor.MeasureAsync(blockSizes, shape, Connections);
            figures[Figures.FloorStored] = stored * 1e6 / spans;
            figures[Figures.FloorSettled] = settled * 1e6 / spans;
            figures[Figures.FloorRatio] = figures[Figures.CpuSettled] / figures[Figures.FloorSettled];
        }

        return figures;
    }

    private static async Task<IReadOnlyList<int>> MeasureFlatOutAsync(string directory, int spans, LoadShape shape, Figures figures)
    {
        using MeasuredServer server = await MeasuredServer.StartAsync(directory);
        CpuSeconds before = server.Cpu();
        LoadProcess load = await LoadProcess.RunAsync(server.OtlpPort, "--spans", Text(spans), "--seed", Text(shape.Seed), "--connections", Text(Connections));
        await server.DrainAsync();
        CpuSeconds stored = server.Cpu() - before;
        await server.SettleAsync();
        CpuSeconds settled = server.Cpu() - before;

        double millions = load.Spans / 1e6;
        figures[Figures.CpuStored] = stored.Total / millions;
        figures[Figures.CpuSettled] = settled.Total / millions;
        figures[Figures.CollectorCpu] = settled.Collector / millions;
        figures[Figures.EngineCpu] = settled.Engine / millions;
        figures[Figures.SpansPerSecond] = load.SpansPerSecond;
        figures[Figures.FlatOutP50] = load.P50;
        figures[Figures.FlatOutP99] = load.P99;
        figures[Figures.PeakMemory] = server.PeakMemory() / 1e6;
        figures[Figures.BytesPerSpan] = await server.AskNumberAsync("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'tracestore'") / (double)load.Spans;
        string sizes = await server.AskAsync("SELECT count() FROM tracestore.spans GROUP BY seg ORDER BY seg");
        (figures[Figures.FoundById], figures[Figures.FoundBySearch]) = await Visibility.MeasureAsync(server);
        await server.StopAsync();
        return [.. sizes.Split('\n').Select(size => int.Parse(size, CultureInfo.InvariantCulture))];
    }

    private static async Task MeasureSteadyAsync(int seconds, Figures figures)
    {
        using var data = new TemporaryDirectory();
        string ids = Path.Combine(data.Path, "ids");
        using (MeasuredServer server = await MeasuredServer.StartAsync(data.Path))
        {
            await LoadProcess.RunAsync(server.OtlpPort, "--rate", Text(SteadySpansPerSecond), "--duration", "5"); // warm
            LoadProcess load = await LoadProcess.RunAsync(server.OtlpPort, "--rate", Text(SteadySpansPerSecond), "--duration", Text(seconds), "--trace-ids", ids);
            server.Kill();
            figures[Figures.SteadyP50] = load.P50;
            figures[Figures.SteadyP99] = load.P99;
        }

        using MeasuredServer again = await MeasuredServer.StartAsync(data.Path);
        await again.DrainAsync();
        string[] acknowledged = await File.ReadAllLinesAsync(ids);
        IEnumerable<string> sample = acknowledged.TakeLast(TracesLookedFor / 2).Concat(Random.Shared.GetItems(acknowledged, TracesLookedFor / 2));
        int lost = 0;
        foreach (string trace in sample) lost += (await again.Tempo.ReadTraceAsync(trace)).Sum(resource => resource.ScopeSpans.Sum(scope => scope.Spans.Count)) == new LoadShape().SpansPerTrace ? 0 : 1;
        figures[Figures.Lost] = lost;
        await again.StopAsync();
    }
}
