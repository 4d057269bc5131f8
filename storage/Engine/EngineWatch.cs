using Microsoft.Extensions.Logging;
using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Engine;

/// <summary>
/// Makes sure that what the engine has answered OK is on disk. The library ignores a write(2) that the system refuses, on a
/// full or failing disk, so an insert is answered OK whose part is empty, and a merge may replace good parts by a bad one.
/// But it counts such writes. An engine that has any is killed and started again: at its start it checks every part, sets
/// broken ones aside, and takes back those that they were merged from, which lie about for eight minutes.
/// </summary>
public sealed class EngineWatch
{
    private const string FailedWrites = "SELECT sum(value) FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'";

    private readonly EngineProcess _watched;
    private readonly Func<EngineProcess> _current;
    private readonly HttpMessageHandler _handler;
    private readonly EngineOptions _options;
    private readonly ILogger _log;

    internal EngineWatch(EngineProcess watched, Func<EngineProcess> current, HttpMessageHandler handler, EngineOptions options, ILogger log) =>
        (_watched, _current, _handler, _options, _log) = (watched, current, handler, options, log);

    /// <summary>Completes when everything that the engine was given since <see cref="EngineSupervisor.Watch"/> is on disk.</summary>
    /// <exception cref="IOException">It isn't, or another engine runs now: what was inserted may be stored or not.</exception>
    /// <exception cref="HttpRequestException">The engine doesn't answer.</exception>
    public async Task ConfirmAsync(CancellationToken cancellation)
    {
        await CheckAsync(cancellation).ConfigureAwait(false);
        DirectorySync.SyncFileSystem(_options.Directory);
    }

    /// <summary>Completes when the system has taken everything that the engine has written.</summary>
    /// <exception cref="IOException">It hasn't, or another engine runs now.</exception>
    /// <exception cref="HttpRequestException">The engine doesn't answer.</exception>
    public async Task CheckAsync(CancellationToken cancellation)
    {
        using var http = new HttpClient(_handler, disposeHandler: false) { Timeout = _options.AnswerTimeout };
        string failed = await AskAsync(http, cancellation).ConfigureAwait(false);
        if (_current() != _watched || _watched.HasExited) throw new IOException("ClickHouse was started again meanwhile.");
        if (failed != "0")
        {
            _log.LogError("The disk refused {Count} writes of ClickHouse, which is started again to see what is whole. Is the disk of {Directory} full?", failed, _options.Directory);
            _watched.Kill();
            throw new IOException($"The disk refused writes of ClickHouse. Is the disk of {_options.Directory} full?");
        }
    }

    private static async Task<string> AskAsync(HttpClient http, CancellationToken cancellation)
    {
        try
        {
            string answer = await http.GetStringAsync(new Uri($"http://engine/?query={Uri.EscapeDataString(FailedWrites)}"), cancellation).ConfigureAwait(false);
            return answer.Trim();
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException("ClickHouse doesn't answer.", e);
        }
    }
}
