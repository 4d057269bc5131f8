using System.Diagnostics;
using OpenTelemetry.Proto.Collector.Trace.V1;
using TraceStore.Tests;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Benchmarks.EndToEnd;

/// <summary>How long after its acknowledgement a span is found.</summary>
internal static class Visibility
{
    private const int Probes = 20;
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(10);

    /// <summary>The slowest of twenty, seconds.</summary>
    public static async Task<(double ById, double BySearch)> MeasureAsync(MeasuredServer server)
    {
        using var otlp = new OtlpClient(server.OtlpPort);
        double byId = 0, bySearch = 0;
        for (int probe = 0; probe < Probes; probe++)
        {
            int number = Random.Shared.Next(1 << 30);
            string service = $"probe-{number}";
            ExportTraceServiceRequest request = Request(Resource(service, Span(number)));
            foreach (var span in request.ResourceSpans[0].ScopeSpans[0].Spans) span.EndTimeUnixNano = span.StartTimeUnixNano = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1_000_000;
            await otlp.ExportAsync(request);
            long accepted = Stopwatch.GetTimestamp();

            long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            string query = Uri.EscapeDataString($"{{resource.service.name=\"{service}\"}}");
            Task<double> found = UntilAsync(accepted, async () => (await server.Tempo.ReadTraceAsync(Hex(TraceId(number)))).Count > 0);
            bySearch = Math.Max(bySearch, await UntilAsync(accepted, async () => (await server.Tempo.GetStringAsync($"/api/search?q={query}&start={now - 3600}&end={now + 60}")).Contains("traceID", StringComparison.Ordinal)));
            byId = Math.Max(byId, await found);
        }

        return (byId, bySearch);
    }

    private static async Task<double> UntilAsync(long since, Func<Task<bool>> isFound)
    {
        while (!await isFound())
        {
            if (Stopwatch.GetElapsedTime(since) > TimeSpan.FromSeconds(60)) return double.PositiveInfinity;
            await Task.Delay(s_step);
        }

        return Stopwatch.GetElapsedTime(since).TotalSeconds;
    }
}
