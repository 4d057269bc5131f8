using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using TraceStore.Storage.Engine;

namespace TraceStore.Tests;

/// <summary>A ClickHouse that isn't TraceStore's: the same engine, open on a port, started and killed by the test.</summary>
public sealed class ExternalClickHouse : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private Process? _process;

    public int Port { get; } = FreePort();

    public Uri Url => new($"http://127.0.0.1:{Port}");

    public int ProcessId => _process!.Id;

    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public async Task StartAsync()
    {
        string config = Path.Combine(_directory.Path, "config.xml");
        string script = Path.Combine(_directory.Path, "start.sql");
        await File.WriteAllTextAsync(config, $"<clickhouse><listen_host>127.0.0.1</listen_host><http_port>{Port}</http_port><backups><allowed_path>{Path.GetTempPath()}</allowed_path></backups></clickhouse>");
        await File.WriteAllTextAsync(script, "SYSTEM START LISTEN HTTP; SELECT * FROM file('/dev/stdin', 'LineAsString') FORMAT Null;");
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "tracestore")) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true };
        string[] arguments =
        [
            EngineChild.Verb, EngineLibrary.Find(), "clickhouse-local", "--config-file", config, $"--path={Path.Combine(_directory.Path, "tables")}", "--queries-file", script,
        ];
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
        using var http = new HttpClient { BaseAddress = Url };
        await Eventually.BeTrueAsync("ClickHouse", () => http.IsUpAsync("/ping"));
    }

    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }

    public void Dispose()
    {
        if (_process is not null) Kill();
        _directory.Dispose();
    }
}
