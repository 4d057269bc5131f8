using System.Globalization;
using TraceStore.Tests;

namespace TraceStore.Benchmarks.EndToEnd;

/// <summary>A TraceStore with its engine, both measured from outside by what the kernel says of them.</summary>
internal sealed class MeasuredServer : IDisposable
{
    private const double TicksPerSecond = 100; // USER_HZ, of /proc/PID/stat
    private static readonly TimeSpan s_quietFor = TimeSpan.FromSeconds(8);

    private readonly string _dataDirectory;
    private readonly TraceStoreProcess _process;
    private readonly int _engine;

    private MeasuredServer(string dataDirectory, TraceStoreProcess process)
    {
        (_dataDirectory, _process) = (dataDirectory, process);
        _engine = process.Children().Single();
        Tempo = new HttpClient { BaseAddress = process.TempoUrl };
    }

    public HttpClient Tempo { get; }

    public int OtlpPort => _process.OtlpPort;

    public static async Task<MeasuredServer> StartAsync(string dataDirectory) =>
        new(dataDirectory, await TraceStoreProcess.ServeAsync(dataDirectory));

    /// <summary>CPU seconds, user and system, that the two processes have spent.</summary>
    public CpuSeconds Cpu() => new(CpuOf(_process.Id), CpuOf(_engine));

    /// <summary>The most memory the two have had resident, bytes; code of the engine's library included.</summary>
    public long PeakMemory() => SumOf("status", "VmHWM:") << 10;

    /// <summary>What the two have resident now, bytes, each page by the share that a process has in it.</summary>
    public long ProportionalMemory() => SumOf("smaps_rollup", "Pss:") << 10;

    /// <summary>Bytes that the two have had written to disk.</summary>
    public long WrittenBytes() => SumOf("io", "write_bytes:");

    public Task<string> AskAsync(string sql) => EngineQuestion.AskAsync(_dataDirectory, sql);

    /// <summary>Sends a statement with a body to the engine.</summary>
    public Task InsertAsync(string statement, byte[] body) => EngineQuestion.InsertAsync(_dataDirectory, statement, body);

    public async Task<long> AskNumberAsync(string sql) => long.Parse(await AskAsync(sql), CultureInfo.InvariantCulture);

    /// <summary>Waits until what is accepted is stored.</summary>
    public async Task DrainAsync()
    {
        TimeSpan patience = TimeSpan.FromMinutes(2), step = TimeSpan.FromSeconds(1); // each look takes some ms of what is measured
        for (TimeSpan waited = TimeSpan.Zero; waited < patience; waited += step)
        {
            string metrics = await Tempo.GetStringAsync("/metrics");
            string line = metrics.Split('\n').First(line => line.StartsWith("tracestore_wal_segments_waiting{", StringComparison.Ordinal));
            if (double.Parse(line.Split("} ")[1].Split(' ')[0], CultureInfo.InvariantCulture) == 0 && await AskNumberAsync("SELECT count() FROM system.processes WHERE query LIKE 'INSERT%'") == 0) return;
            await Task.Delay(step);
        }

        throw new TimeoutException("The log isn't empty after two minutes.");
    }

    /// <summary>Waits until the engine has nothing to merge.</summary>
    public async Task SettleAsync()
    {
        TimeSpan step = TimeSpan.FromMilliseconds(500);
        string last = "";
        TimeSpan quiet = TimeSpan.Zero;
        for (int i = 0; i < 1_200 && quiet < s_quietFor; i++)
        {
            await Task.Delay(step);
            string now = await AskAsync("SELECT (SELECT count() FROM system.merges), (SELECT groupArray(name) FROM (SELECT name FROM system.parts WHERE active AND database = 'tracestore' ORDER BY name))");
            quiet = now == last && now.StartsWith("0\t", StringComparison.Ordinal) ? quiet + step : TimeSpan.Zero;
            last = now;
        }
    }

    public void Kill() => _process.Kill();

    public Task<int> StopAsync() => _process.StopAsync();

    public void Dispose()
    {
        Tempo.Dispose();
        _process.Dispose();
    }

    private static double CpuOf(int process)
    {
        string[] fields = File.ReadAllText($"/proc/{process}/stat").Split(") ").Last().Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    private static long NumberOf(int process, string file, string name)
    {
        string line = File.ReadLines($"/proc/{process}/{file}").First(line => line.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    private long SumOf(string file, string name) => NumberOf(_process.Id, file, name) + NumberOf(_engine, file, name);
}

/// <summary>CPU seconds of the collector's process and of the engine's.</summary>
internal readonly record struct CpuSeconds(double Collector, double Engine)
{
    public double Total => Collector + Engine;

    public static CpuSeconds operator -(CpuSeconds left, CpuSeconds right) => new(left.Collector - right.Collector, left.Engine - right.Engine);
}
