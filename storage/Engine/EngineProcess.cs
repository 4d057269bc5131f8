using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace TraceStore.Storage.Engine;

/// <summary>One run of the engine's child process, from its start to its end.</summary>
internal sealed class EngineProcess : IDisposable
{
    /// <summary>ClickHouse's words, and ours, when the port has become another program's: the next start takes another port.</summary>
    public const string PortTaken = "Address already in use";

    /// <summary>What the library's allocator (jemalloc) reads; what the operator says in it goes.</summary>
    private const string AllocatorVariable = "JE_MALLOC_CONF";

    /// <summary>
    /// Gives back what is free in half a second, not when a thread happens to allocate again, and no thread keeps more than small
    /// pieces for itself: 24 MB less at everyday rates.
    /// </summary>
    private const string AllocatorSettings = "background_thread:true,dirty_decay_ms:500,muzzy_decay_ms:0,lg_tcache_max:13,prof:false";

    private static readonly TimeSpan s_readyPoll = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan s_readyTimeout = TimeSpan.FromSeconds(2);

    private readonly Process _process;
    private readonly Queue<string> _lastWords = [];
    private volatile bool _hasExited;

    private EngineProcess(Process process, EngineConfiguration configuration)
    {
        (_process, Configuration) = (process, configuration);
        process.OutputDataReceived += (_, line) => Remember(line.Data);
        process.ErrorDataReceived += (_, line) => Remember(line.Data);
        process.Exited += (_, _) => _hasExited = true;
        process.EnableRaisingEvents = true;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public EngineConfiguration Configuration { get; }

    public bool HasExited => _hasExited;

    /// <summary>The last lines that the engine printed: where it says why it failed.</summary>
    public string LastWords
    {
        get
        {
            lock (_lastWords) return string.Join(Environment.NewLine, _lastWords);
        }
    }

    public static EngineProcess Start(EngineOptions options)
    {
        var configuration = EngineConfiguration.ForNewStart(FreePort());
        var start = new ProcessStartInfo
        {
            FileName = options.HostCommand[0],
            RedirectStandardInput = true, // the pipe whose end is the engine's end
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.TryAdd(AllocatorVariable, AllocatorSettings);
        foreach (string argument in options.HostCommand.Skip(1)) start.ArgumentList.Add(argument);
        start.ArgumentList.Add(EngineChild.Verb);
        start.ArgumentList.Add(options.LibraryPath);
        foreach (string argument in configuration.Write(options)) start.ArgumentList.Add(argument);
        return new EngineProcess(Process.Start(start)!, configuration);
    }

    /// <summary>Waits until the engine answers. False when it ended instead, or something else has its port.</summary>
    public async Task<bool> WaitUntilReadyAsync(CancellationToken cancellation)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = s_readyTimeout };
        http.DefaultRequestHeaders.Add(EngineConfiguration.KeyHeader, Configuration.Key);
        while (!HasExited)
        {
            try
            {
                using HttpResponseMessage answer = await http.GetAsync(new Uri($"http://127.0.0.1:{Configuration.Port}/?query=SELECT+1"), cancellation).ConfigureAwait(false);
                if (!Configuration.IsProven(answer))
                {
                    Remember($"{PortTaken}: another program answers at {Configuration.Port}.");
                    Kill();
                    return false;
                }

                if (answer.IsSuccessStatusCode) return true;
            }
            catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                // not yet
            }

            await Task.Delay(s_readyPoll, cancellation).ConfigureAwait(false);
        }

        return false;
    }

    public Task WaitForExitAsync(CancellationToken cancellation) => _process.WaitForExitAsync(cancellation);

    /// <summary>Closes the pipe, which ends the engine cleanly; kills it when that takes too long. False when it was killed.</summary>
    public async Task<bool> StopAsync(TimeSpan timeout)
    {
        _process.StandardInput.Close();
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
            return false;
        }
    }

    public void Kill() => _process.Kill();

    public void Dispose() => _process.Dispose();

    private void Remember(string? line)
    {
        const int most = 20;
        if (string.IsNullOrWhiteSpace(line)) return;
        lock (_lastWords)
        {
            _lastWords.Enqueue(line);
            if (_lastWords.Count > most) _lastWords.Dequeue();
        }
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
