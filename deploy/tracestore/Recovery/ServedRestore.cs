using System.Globalization;
using Microsoft.Extensions.Logging;
using TraceStore.Collector.Pipeline;
using TraceStore.Settings;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Engine;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;

namespace TraceStore.Recovery;

/// <summary>
/// A restore beside a TraceStore that serves already: spans are accepted, stored and archived from the first moment on, and queries are answered
/// from what is there, as partial, until all is back. A failure is told and tried again; a process that is killed goes on at its next start.
/// </summary>
internal sealed class ServedRestore : IAsyncDisposable
{
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_stopPatience = TimeSpan.FromSeconds(5);

    private readonly Func<Restorer> _begin;
    private readonly EngineSupervisor _engine;
    private readonly ClickHouseDatabase _database;
    private readonly SegmentFollower _follower;
    private readonly ILogger<ServedRestore> _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private readonly long _bytes;
    private long _done;
    private volatile string? _failure;
    private volatile bool _isWhole;

    public ServedRestore(TraceStoreSettings settings, RestoreJournal journal, IObjectStore store, EngineSupervisor engine, ClickHouseDatabase database, SegmentFollower follower, ILoggerFactory logs)
    {
        (_engine, _database, _follower, _log) = (engine, database, follower, logs.CreateLogger<ServedRestore>());
        _bytes = Math.Max(1, journal.Plan.Size.Bytes);
        _begin = () => new Restorer(settings, store, acceptsHoles: false, logs, done => Interlocked.Exchange(ref _done, done.Bytes));
        _running = Task.Run(RunAsync);
    }

    /// <summary>Why spans may be missing that were stored before the disaster, for clients, and so plain text; null when all is back.</summary>
    public string? Missing => _isWhole ? null : string.Create(
        CultureInfo.InvariantCulture, $"TraceStore is being restored: {Math.Min(99, 100 * Interlocked.Read(ref _done) / _bytes)} % is back, the newest first; older spans may be missing.");

    /// <summary>The same for the operator: with what holds it up, whoever said so.</summary>
    public string? State => Missing is { } missing && _failure is { } failure ? $"{missing} {failure}" : Missing;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.WaitAsync(s_stopPatience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // the next start goes on
        if (_running.IsCompleted) _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        CancellationToken stopping = _stopping.Token;
        while (!_isWhole && !stopping.IsCancellationRequested)
        {
            try
            {
                await _follower.SchemaReady.WaitAsync(stopping).ConfigureAwait(false);
                await _begin().GoOnServedAsync(_engine, _database, stopping).ConfigureAwait(false);
                _isWhole = true;
                _log.LogWarning("All is back: the restore is done, and answers are whole.");
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return; // the next start goes on
            }
            catch (Exception e)
            {
                if (_failure is null) _log.LogError("The restore can't go on now, and is tried again; TraceStore serves what is back. {Cause}", e.Message);
                _failure = e is ObjectDamagedException ? $"{e.Message} In another directory it can be restored by way of an earlier snapshot, with what is received here: {ThisProgram.Name} restore --by ID" : e.Message;
                await Task.Delay(s_retry, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
