using Microsoft.Extensions.Logging;
using TraceStore.Storage.Archive;
using TraceStore.Storage.Retention;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Collector.Protection;

/// <summary>
/// Takes snapshots in time, and when somebody asks for one; after each, the archive lets go of what it needs no more, unless the clock has jumped.
/// The first is due at once where something was stored before this process began, for the archive needn't have it; else after as long as between two.
/// </summary>
public sealed class SnapshotSchedule : IAsyncDisposable
{
    private static readonly TimeSpan s_retry = TimeSpan.FromMinutes(1);

    /// <summary>A store that doesn't answer holds up no stop.</summary>
    private static readonly TimeSpan s_stopPatience = TimeSpan.FromSeconds(5);

    private readonly ISnapshotter _snapshotter;
    private readonly SnapshotCatalogue _catalogue;
    private readonly ArchiveRetention _retention;
    private readonly TimeSpan _every;
    private readonly ClockWatch _clock;
    private readonly TimeProvider _time;
    private readonly SnapshotMetrics _metrics;
    private readonly ILogger<SnapshotSchedule> _log;
    private readonly SemaphoreSlim _working = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private Task _expiring = Task.CompletedTask;
    private volatile string? _ailment;
    private volatile string? _brokenPromise;

    /// <param name="every">How long between two; zero for never by itself.</param>
    public SnapshotSchedule(
        ISnapshotter snapshotter, SnapshotCatalogue catalogue, ArchiveRetention retention, TimeSpan every, ClockWatch clock, TimeProvider time, SnapshotMetrics metrics, ILogger<SnapshotSchedule> log)
    {
        (_snapshotter, _catalogue, _retention, _every, _clock, _time, _metrics, _log) = (snapshotter, catalogue, retention, every, clock, time, metrics, log);
        _running = every > TimeSpan.Zero ? Task.Run(RunAsync) : Task.CompletedTask;
    }

    /// <summary>Why the last one that was due isn't taken, or what the archive can't keep; null when all is well.</summary>
    public string? Ailment => _ailment ?? _brokenPromise;

    /// <summary>Takes one now, once what goes on is done.</summary>
    /// <param name="acceptsLoss">Whether it is taken though spans are missing that the last one had.</param>
    /// <param name="progress">Is told how far it is.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="IOException">Nothing is archived now, the store can't be reached, or spans were lost.</exception>
    public async Task<SnapshotManifest> TakeAsync(bool acceptsLoss, Action<SnapshotProgress> progress, CancellationToken cancellation)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stopping.Token);
        await _working.WaitAsync(linked.Token).ConfigureAwait(false);
        try
        {
            SnapshotManifest manifest = await _snapshotter.TakeAsync(acceptsLoss, progress, linked.Token).ConfigureAwait(false);
            _metrics.Newest = manifest.Id.Taken;
            _metrics.Hold = _snapshotter.LastHold;
            _metrics.Taken.Add(1);
            _ailment = null;
            _log.LogDebug("Snapshot {Id} is taken: {Spans} spans, {Bytes} MB.", manifest.Id, manifest.Spans, manifest.Bytes / 1_000_000);
            if (_expiring.IsCompleted) _expiring = Task.Run(ExpireAsync, CancellationToken.None); // who asked for a snapshot doesn't wait for it
            return manifest;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _metrics.Failures.Add(1);
            throw;
        }
        finally
        {
            _working.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        try
        {
            await Task.WhenAll(_running, _expiring).WaitAsync(s_stopPatience).ConfigureAwait(false);
            if (!await _working.WaitAsync(s_stopPatience).ConfigureAwait(false)) return; // one that somebody asked for lets go of its parts first
        }
        catch (TimeoutException)
        {
            return; // what it uses stays until the process ends
        }

        _working.Dispose();
        _stopping.Dispose();
    }

    private async Task ExpireAsync()
    {
        try
        {
            await _working.WaitAsync(_stopping.Token).ConfigureAwait(false);
            try
            {
                if (_clock.HasJumped()) return;
                int deleted = await _retention.RunAsync(_time.GetUtcNow(), _stopping.Token).ConfigureAwait(false);
                _brokenPromise = null;
                if (deleted > 0) _log.LogDebug("The archive has let go of {Count} objects.", deleted);
            }
            finally
            {
                _working.Release();
            }
        }
        catch (ArchiveBrokenException e)
        {
            if (_brokenPromise is null) _log.LogError("{Cause}", e.Message);
            _brokenPromise = e.Message;
        }
        catch (IOException e)
        {
            _log.LogWarning("The archive keeps more than it needs, for now. {Cause}", e.Message);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // stopping
        }
    }

    private async Task RunAsync()
    {
        CancellationToken stopping = _stopping.Token;
        DateTimeOffset began = _time.GetUtcNow();
        bool isKnown = false;
        try
        {
            while (true)
            {
                TimeSpan wait = _every;
                try
                {
                    if (!isKnown) began = await LookAsync(began, stopping).ConfigureAwait(false);
                    isKnown = true;
                    DateTimeOffset now = _time.GetUtcNow(), last = _metrics.Newest ?? began;
                    wait = last > now + s_retry ? TimeSpan.Zero : last + _every - now; // one that a wrong clock has dated later is no reason to wait
                    if (wait <= TimeSpan.Zero)
                    {
                        await TakeAsync(acceptsLoss: false, _ => { }, stopping).ConfigureAwait(false);
                        wait = _every;
                    }

                    _ailment = null;
                }
                catch (Exception e) when (e is not OperationCanceledException || !stopping.IsCancellationRequested)
                {
                    if (_ailment is null) _log.LogWarning("No snapshot is taken now; it is tried again. {Cause}", e.Message);
                    _ailment = e.Message;
                    wait = _every;
                }

                await Task.Delay(wait < s_retry ? wait : s_retry, _time, stopping).ConfigureAwait(false); // one may be asked for meanwhile
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // stopping
        }
    }

    /// <summary>Learns of the newest snapshot; returns since when the first is waited for where there is none.</summary>
    private async Task<DateTimeOffset> LookAsync(DateTimeOffset began, CancellationToken cancellation)
    {
        IReadOnlyList<SnapshotEntry> there = await _catalogue.ListAsync(cancellation).ConfigureAwait(false);
        if (there.Count > 0) _metrics.Newest = there[^1].Id.Taken;
        return there.Count == 0 && await _snapshotter.HasAnythingAsync(cancellation).ConfigureAwait(false) ? began - _every : began;
    }
}
