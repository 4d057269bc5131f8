using System.Globalization;

namespace TraceStore.Benchmarks.EndToEnd;

/// <summary>What one repetition has measured, or the medians of several.</summary>
internal sealed class Figures
{
    /// <summary>The figures in the order of the table: what must be reached, what is aimed at.</summary>
    private static readonly (string Name, string Unit, double? Must, double? Aim, bool MoreIsBetter)[] s_rows =
    [
        (CpuStored, "CPU s/M", 8, 3.5, false),
        (CpuSettled, "CPU s/M", 10, 5, false),
        (CollectorCpu, "CPU s/M", null, null, false),
        (EngineCpu, "CPU s/M", null, null, false),
        (FloorStored, "CPU s/M", null, null, false),
        (FloorSettled, "CPU s/M", null, null, false),
        (FloorRatio, "×", 2, 1.5, false),
        (SpansPerSecond, "spans/s", 200_000, 400_000, true),
        (BytesPerSpan, "bytes", 48, 35, false),
        (PeakMemory, "MB", 1_500, 600, false),
        (FoundById, "s", 2, 1, false),
        (FoundBySearch, "s", 2, 1, false),
        (FlatOutP50, "ms", 40, 10, false),
        (FlatOutP99, "ms", 250, 50, false),
        (SteadyP50, "ms", 10, 3, false),
        (SteadyP99, "ms", 60, 15, false),
        (Lost, "of 600", 0, 0, false),
    ];

    public const string CpuStored = "CPU, accepted → durable → stored";
    public const string CpuSettled = "the same, all merges settled";
    public const string CollectorCpu = "of that, the collector";
    public const string EngineCpu = "of that, the engine";
    public const string FloorStored = "floor: blocks inserted alone";
    public const string FloorSettled = "floor, all merges settled";
    public const string FloorRatio = "CPU settled, as a multiple of the floor";
    public const string SpansPerSecond = "accepted";
    public const string BytesPerSpan = "on disk per span, settled";
    public const string PeakMemory = "peak memory, collector and engine";
    public const string FoundById = "accepted → found by ID, slowest of 20";
    public const string FoundBySearch = "accepted → found by search, slowest of 20";
    public const string FlatOutP50 = "Export p50, flat out";
    public const string FlatOutP99 = "Export p99, flat out";
    public const string SteadyP50 = "Export p50, 20,000 spans/s";
    public const string SteadyP99 = "Export p99, 20,000 spans/s";
    public const string Lost = "lost by kill -9 under load";

    private readonly Dictionary<string, double> _values = [];

    public double this[string name]
    {
        get => _values[name];
        set => _values[name] = value;
    }

    /// <summary>A table in Markdown, a column for each repetition and one for their median.</summary>
    public static string Table(IReadOnlyList<Figures> repetitions)
    {
        var lines = new List<string>
        {
            $"| | {string.Join(" | ", repetitions.Select((_, number) => $"run {number + 1}"))} | median | must | aim |",
            $"|---|{string.Concat(repetitions.Select(_ => "---:|"))}---:|---:|---:|",
        };
        foreach ((string name, string unit, double? must, double? aim, bool moreIsBetter) in s_rows)
        {
            double[] values = [.. repetitions.Where(figures => figures._values.ContainsKey(name)).Select(figures => figures[name])];
            if (values.Length == 0) continue;
            double median = values.Order().ElementAt(values.Length / 2);
            string verdict = must is { } bound && (moreIsBetter ? median < bound : median > bound) ? " **missed**" : "";
            lines.Add($"| {name}, {unit} | {string.Join(" | ", values.Select(Text))} | {Text(median)}{verdict} | {Bound(must, moreIsBetter)} | {Bound(aim, moreIsBetter)} |");
        }

        return string.Join(Environment.NewLine, lines);
    }

    private static string Bound(double? bound, bool moreIsBetter) => bound is { } value ? $"{(moreIsBetter ? '≥' : '≤')} {Text(value)}" : "";

    internal static string Text(double value) => value.ToString(Math.Abs(value) switch { >= 1_000 => "N0", >= 100 or 0 => "0", >= 10 => "0.0", _ => "0.00" }, CultureInfo.InvariantCulture);
}
