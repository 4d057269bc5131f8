using System.Buffers.Text;
using System.Diagnostics;
using Google.Protobuf;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Systems;

/// <summary>
/// What it costs to sync before acknowledging: the same load with the write-ahead log on the disk and in memory, where a sync
/// does nothing, in turns. Run by hand; tests/README.md has the command.
/// </summary>
public class DurabilityCost(ITestOutputHelper output)
{
    private const int Connections = 4;
    private const int SpansPerRequest = 1_000;
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(8);
    private static readonly byte[] s_marker = "################"u8.ToArray();

    [Fact(Explicit = true)]
    public async Task Measure()
    {
        byte[] request = BuildRequest();
        foreach (int? spansPerSecond in (int?[])[null, 20_000])
        {
            for (int repetition = 1; repetition <= 3; repetition++)
            {
                foreach (bool isSynced in (bool[])[true, false])
                {
                    using var data = new TemporaryDirectory();
                    using var memory = new SmallDisk(4_000);
                    string wal = isSynced ? Path.Combine(data.Path, "wal") : Path.Combine(memory.Path, "wal");
                    using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(data.Path, "--set", $"Wal:Directory={wal}");
                    await LoadAsync(server.OtlpPort, request, spansPerSecond, TimeSpan.FromSeconds(2)); // warm
                    List<double> milliseconds = await LoadAsync(server.OtlpPort, request, spansPerSecond, s_duration);
                    milliseconds.Sort();
                    output.WriteLine(
                        $"{(spansPerSecond is null ? "flat out   " : "20,000 s⁻¹ ")} {(isSynced ? "synced  " : "unsynced")}  "
                        + $"{milliseconds.Count * SpansPerRequest / s_duration.TotalSeconds,8:N0} spans/s   Export p50 {milliseconds[milliseconds.Count / 2],6:0.0} ms   p99 {milliseconds[milliseconds.Count * 99 / 100],6:0.0} ms");
                    await server.StopAsync();
                }
            }
        }
    }

    private static async Task<List<double>> LoadAsync(int port, byte[] template, int? spansPerSecond, TimeSpan duration)
    {
        int sent = Random.Shared.Next(1 << 30);
        List<double> milliseconds = [];
        long started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, Connections).Select(connection => Task.Run(async () =>
        {
            using var otlp = new OtlpClient(port);
            byte[] request = [.. template];
            int marker = request.AsSpan().IndexOf(s_marker);
            for (int number = 0; Stopwatch.GetElapsedTime(started) < duration; number++)
            {
                if (spansPerSecond is { } rate)
                {
                    TimeSpan due = TimeSpan.FromSeconds((double)((number * Connections) + connection) * SpansPerRequest / rate);
                    if (due - Stopwatch.GetElapsedTime(started) is { Ticks: > 0 } early) await Task.Delay(early);
                }

                Utf8Formatter.TryFormat(Interlocked.Increment(ref sent), request.AsSpan(marker, s_marker.Length), out _, new System.Buffers.StandardFormat('D', 16));
                long sending = Stopwatch.GetTimestamp();
                await otlp.ExportAsync(request);
                double taken = Stopwatch.GetElapsedTime(sending).TotalMilliseconds;
                lock (milliseconds) milliseconds.Add(taken);
            }
        })));
        return milliseconds;
    }

    private static byte[] BuildRequest()
    {
        var random = new Random(1);
        var resource = Resource("load", Enumerable.Range(1, SpansPerRequest).Select(number =>
        {
            var span = Span(trace: number / 10, span: number, name: $"operation {number % 20}");
            for (int attribute = 0; attribute < 7; attribute++) span.Attributes.Add(Attribute($"attribute.{attribute}", $"value {random.Next(50)}"));
            span.Attributes.Add(Attribute("request.id", Guid.NewGuid().ToString()));
            return span;
        }));
        resource.Resource.Attributes.Add(Attribute("marker", System.Text.Encoding.ASCII.GetString(s_marker)));
        return Request(resource).ToByteArray();
    }
}
