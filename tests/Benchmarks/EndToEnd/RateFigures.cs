using System.Globalization;

namespace TraceStore.Benchmarks.EndToEnd;

/// <summary>What a rate costs; CPU, bytes and memory of the collector's process and the engine's together, unless it says of which.</summary>
internal sealed record RateFigures
{
    /// <summary>Spans a second.</summary>
    public required int Rate { get; init; }

    public required double CollectorCores { get; init; }

    public required double EngineCores { get; init; }

    public required double MegabytesWrittenPerMinute { get; init; }

    public required double BytesWrittenPerSpan { get; init; }

    public required double PartsPerMinute { get; init; }

    /// <summary>How often merges have written a span anew, so far.</summary>
    public required double RewritesPerSpan { get; init; }

    /// <summary>Resident when the load has ended, what processes share by its share.</summary>
    public required double MemoryMegabytes { get; init; }

    public required double ExportP50 { get; init; }

    public required double ExportP99 { get; init; }

    public required double ByIdP50 { get; init; }

    public required double ByIdP99 { get; init; }

    /// <summary>After its acknowledgement, the slowest of some, seconds.</summary>
    public required double FoundById { get; init; }

    public required double FoundBySearch { get; init; }

    private static IReadOnlyList<(string Name, Func<RateFigures, double> Of)> Rows { get; } =
    [
        ("cores", one => one.CollectorCores + one.EngineCores),
        ("of that, the collector", one => one.CollectorCores),
        ("of that, the engine", one => one.EngineCores),
        ("written, MB a minute", one => one.MegabytesWrittenPerMinute),
        ("written, bytes a span", one => one.BytesWrittenPerSpan),
        ("parts made a minute", one => one.PartsPerMinute),
        ("rewrites of a span", one => one.RewritesPerSpan),
        ("memory (Pss), MB", one => one.MemoryMegabytes),
        ("Export p50, ms", one => one.ExportP50),
        ("Export p99, ms", one => one.ExportP99),
        ("by ID p50, ms", one => one.ByIdP50),
        ("by ID p99, ms", one => one.ByIdP99),
        ("accepted → found by ID, slowest of 20, s", one => one.FoundById),
        ("accepted → found by search, slowest of 20, s", one => one.FoundBySearch),
    ];

    /// <summary>A table in Markdown, a column for each rate.</summary>
    public static string Table(IReadOnlyList<RateFigures> rates) => string.Join(
        Environment.NewLine,
        [
            $"| | {string.Join(" | ", rates.Select(one => one.Rate.ToString("N0", CultureInfo.InvariantCulture) + " spans/s"))} |",
            $"|---|{string.Concat(rates.Select(_ => "---:|"))}",
            .. Rows.Select(row => $"| {row.Name} | {string.Join(" | ", rates.Select(one => Figures.Text(row.Of(one))))} |"),
        ]);
}
