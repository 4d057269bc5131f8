using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace TraceStore.Tests;

/// <summary>A real tracestore process, started as a user starts it.</summary>
public sealed partial class TraceStoreProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();

    /// <summary>The binary that was built with the tests.</summary>
    public static string Binary { get; } = Environment.GetEnvironmentVariable("GOLDEN_BINARY") ?? Path.Combine(AppContext.BaseDirectory, "tracestore");

    private TraceStoreProcess(string binary, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(binary)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(_errors, line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int OtlpPort { get; private set; }

    public Uri OtlpHttpUrl { get; private set; } = new("http://unknown");

    public Uri TempoUrl { get; private set; } = new("http://unknown");

    public Uri JaegerUrl { get; private set; } = new("http://unknown");

    public int Id => _process.Id;

    public string Output => Read(_output);

    public string Errors => Read(_errors);

    /// <summary>Starts serving on free ports, and waits until it is ready.</summary>
    public static Task<TraceStoreProcess> ServeAsync(string dataDirectory, params string[] arguments) => ServeAsync(dataDirectory, 0, arguments);

    /// <summary>As the other, with another binary than the one that was built with the tests.</summary>
    public static Task<TraceStoreProcess> ServeWithAsync(string binary, string dataDirectory, params string[] before) => UntilReadyAsync(Start(binary, before, dataDirectory, 0));

    /// <summary>Starts serving, spans on a given port, and waits until it is ready.</summary>
    public static Task<TraceStoreProcess> ServeAsync(string dataDirectory, int otlpPort, params string[] arguments) =>
        UntilReadyAsync(Start(dataDirectory, otlpPort, arguments));

    public static async Task<TraceStoreProcess> UntilReadyAsync(TraceStoreProcess process)
    {
        try
        {
            await Eventually.BeTrueAsync("readiness", () =>
            {
                if (process._process.HasExited) throw new InvalidOperationException($"tracestore ended: {process.Errors}");
                return Task.FromResult(process.Output.Contains("Ctrl-C stops.", StringComparison.Ordinal));
            }, seconds: 120);
        }
        catch (Exception e)
        {
            process.Dispose();
            throw new InvalidOperationException($"tracestore isn't ready. It said: {process.Output}\n{process.Errors}", e);
        }

        process.OtlpPort = int.Parse(OtlpLine().Match(process.Output).Groups[1].Value);
        process.OtlpHttpUrl = new Uri(OtlpHttpLine().Match(process.Output).Groups[1].Value);
        process.TempoUrl = new Uri(TempoLine().Match(process.Output).Groups[1].Value);
        process.JaegerUrl = new Uri(JaegerLine().Match(process.Output).Groups[1].Value);
        return process;
    }

    /// <summary>Restores a directory and serves it meanwhile, on free ports; waits until it is ready.</summary>
    public static Task<TraceStoreProcess> RestoreServedAsync(string archive, string dataDirectory, params string[] arguments) => UntilReadyAsync(new(
        Binary, ["restore", "--serve", "--from", archive, "--data", dataDirectory, "--otlp-grpc-port", "0", "--otlp-http-port", "0", "--tempo-port", "0", "--jaeger-port", "0", .. arguments]));

    /// <summary>Starts serving and doesn't wait.</summary>
    public static TraceStoreProcess Start(string dataDirectory, int otlpPort, params string[] arguments) => Start(Binary, [], dataDirectory, otlpPort, arguments);

    private static TraceStoreProcess Start(string binary, string[] before, string dataDirectory, int otlpPort, params string[] arguments) =>
        new(binary, [.. before, "serve", "--data", dataDirectory, "--otlp-grpc-port", $"{otlpPort}", "--otlp-http-port", "0", "--tempo-port", "0", "--jaeger-port", "0", .. arguments]);

    /// <summary>Begins a command and doesn't wait.</summary>
    public static TraceStoreProcess Begin(params string[] arguments) => new(Binary, arguments);

    /// <summary>Waits for its end, and gives the exit code.</summary>
    public async Task<int> EndAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>Runs a command to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Errors)> RunAsync(params string[] arguments)
    {
        using var process = new TraceStoreProcess(Binary, arguments);
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        await process._process.WaitForExitAsync(limit.Token);
        return (process._process.ExitCode, process.Output, process.Errors);
    }

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>SIGTERM, and the exit code.</summary>
    public async Task<int> StopAsync()
    {
        using Process kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>The processes that this one has started.</summary>
    public IReadOnlyList<int> Children() =>
    [
        .. from stat in Directory.GetDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)).Select(folder => Path.Combine(folder, "stat"))
           let fields = TryRead(stat).Split(") ").Last().Split(' ')
           where fields.Length > 1 && fields[1] == $"{_process.Id}"
           select int.Parse(Path.GetFileName(Path.GetDirectoryName(stat)!)),
    ];

    /// <summary>Whether a process, one of those or any other, is still there.</summary>
    public static bool IsRunning(int id)
    {
        try
        {
            using Process process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited) Kill();
        _process.Dispose();
    }

    private static string TryRead(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ""; // it has just ended
        }
    }

    private static void Append(StringBuilder text, string? line)
    {
        lock (text) text.AppendLine(line);
    }

    private static string Read(StringBuilder text)
    {
        lock (text) return text.ToString().TrimEnd();
    }

    [GeneratedRegex(@"OTLP\s+http://[\d.]+:(\d+)")]
    private static partial Regex OtlpLine();

    [GeneratedRegex(@"OTLP\s+http://[\d.:]+.*\n\s+(http://[\d.:]+)")]
    private static partial Regex OtlpHttpLine();

    [GeneratedRegex(@"Tempo API\s+(http://[\d.:]+)")]
    private static partial Regex TempoLine();

    [GeneratedRegex(@"Jaeger API\s+(http://[\d.:]+)")]
    private static partial Regex JaegerLine();
}
