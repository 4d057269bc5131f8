using System.Globalization;
using Microsoft.Extensions.Logging;
using TraceStore.Serving;
using TraceStore.Settings;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;

namespace TraceStore.Recovery;

/// <summary>
/// A restore beside a TraceStore that serves already: spans are accepted, stored and archived from the first moment on, and queries are answered
/// from what is there, as partial, until all is back. A failure is told and tried again; a process that is killed goes on at its next start.
/// What it restores was begun before, or is what a lost log had archived (<see cref="LostLog"/>).
/// </summary>
internal sealed class ServedRestore : IAsyncDisposable
{
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan s_stopPatience = TimeSpan.FromSeconds(5);

    private readonly TraceStoreSettings _settings;
    private readonly IObjectStore _store;
    private readonly ServedSpans _spans;
    private readonly bool _isLogLost;
    private readonly ILoggerFactory _logs;
    private readonly ILogger<ServedRestore> _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private long _done, _bytes = 1;
    private volatile string? _failure;
    private volatile bool _isWhole;

    /// <param name="settings">Of the directory.</param>
    /// <param name="store">The archive's.</param>
    /// <param name="spans">What is served.</param>
    /// <param name="isLogLost">Whether the log that was archived is lost.</param>
    /// <param name="logs">Tell.</param>
    public ServedRestore(TraceStoreSettings settings, IObjectStore store, ServedSpans spans, bool isLogLost, ILoggerFactory logs)
    {
        (_settings, _store, _spans, _isLogLost, _logs, _log) = (settings, store, spans, isLogLost, logs, logs.CreateLogger<ServedRestore>());
        _running = Task.Run(RunAsync);
    }

    /// <summary>Why spans may be missing that were stored before the disaster, for clients, and so plain text; null when all is back.</summary>
    public string? Missing => _isWhole ? null : string.Create(
        CultureInfo.InvariantCulture,
        $"TraceStore is being restored: {Math.Min(99, 100 * Interlocked.Read(ref _done) / Interlocked.Read(ref _bytes))} % {(_isLogLost ? "is back of what its write-ahead log had archived when it was lost; spans of the time before that may be missing." : "is back, the newest first; older spans may be missing.")}");

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
                await _spans.Follower.SchemaReady.WaitAsync(stopping).ConfigureAwait(false);
                await RestoreAsync(stopping).ConfigureAwait(false);
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

    private async Task RestoreAsync(CancellationToken stopping)
    {
        if (RestoreJournal.Read(_settings.DataDirectory) is { } begun) await GoOnAsync(begun, stopping).ConfigureAwait(false);
        if (!_isLogLost) return;
        if (await LostLog.PlanAsync(_store, _spans.Database, _settings.DataDirectory, _spans.Wal.Identity, stopping).ConfigureAwait(false) is { } plan)
        {
            _log.LogWarning("The write-ahead log that was archived is lost. What isn't stored of the last {Groups} objects that were archived of it is brought back from {Store}.", plan.Size.Groups, _store.Address);
            await LostLog.BringQuarantineBackAsync(_store, plan, _settings.Wal.Directory, _log, stopping).ConfigureAwait(false);
            RestoreJournal journal = RestoreJournal.Begin(_store.Address, plan, isCopy: false, _settings.ExternalClickHouse) with { IsServed = true, IsOfLostLog = true };
            await GoOnAsync(journal.Save(_settings.DataDirectory), stopping).ConfigureAwait(false);
        }

        LostLog.Settle(_settings.DataDirectory, _spans.Wal.Identity);
    }

    private async Task GoOnAsync(RestoreJournal journal, CancellationToken stopping)
    {
        Interlocked.Exchange(ref _bytes, Math.Max(1, journal.Plan.Size.Bytes));
        var restorer = new Restorer(_settings, _store, acceptsHoles: journal.IsOfLostLog, _logs, done => Interlocked.Exchange(ref _done, done.Bytes));
        await restorer.GoOnServedAsync(_spans.Engine, _spans.Database, stopping).ConfigureAwait(false);
    }
}
