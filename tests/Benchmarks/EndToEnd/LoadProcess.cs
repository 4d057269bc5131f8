using System.Globalization;
using System.Text.Json.Nodes;
using TraceStore.Tests;

namespace TraceStore.Benchmarks.EndToEnd;

/// <summary>A run of <c>tracestore load</c> in a process of its own, as users run it.</summary>
/// <param name="Spans">Spans that were taken.</param>
/// <param name="SpansPerSecond">How fast.</param>
/// <param name="P50">Half of the exports took at most so many milliseconds.</param>
/// <param name="P99">99 of 100 exports took at most so many milliseconds.</param>
internal sealed record LoadProcess(long Spans, double SpansPerSecond, double P50, double P99)
{
    public static async Task<LoadProcess> RunAsync(int port, params string[] options)
    {
        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync(["load", "--json", "--url", $"http://127.0.0.1:{port}", .. options]);
        if (exitCode != 0) throw new InvalidOperationException($"tracestore load failed: {output} {errors}");
        JsonNode report = JsonNode.Parse(output)!;
        return new LoadProcess(
            (long)report["spans"]!, (double)report["spansPerSecond"]!, (double)report["exportMilliseconds"]!["p50"]!, (double)report["exportMilliseconds"]!["p99"]!);
    }

    /// <summary>An option's value.</summary>
    public static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
