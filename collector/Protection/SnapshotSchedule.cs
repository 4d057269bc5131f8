using Microsoft.Extensions.Logging;
using TraceStore.Storage.Retention;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Collector.Protection;

/// <summary>
/// Takes snapshots in time, and when somebody asks for one; after each, the archive lets go of what it needs no more. The first is due at once where something was stored before this process began,
/// for the archive needn't have it; else after as long as between two.
/// </summary>
public sealed class SnapshotSchedule : IAsyncDisposable
{
    private static readonly TimeSpan s_retry = TimeSpan.FromMinutes(1);

    private readonly Snapshotter _snapshotter;
    private readonly SnapshotCatalogue _catalogue;
    private readonly ArchiveRetention _retention;
    private readonly TimeSpan _every;
    private readonly TimeProvider _time;
    private readonly SnapshotMetrics _metrics;
    private readonly ILogger<SnapshotSchedule> _log;
    private readonly SemaphoreSlim _taking = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _running;
    private volatile string? _ailment;

    /// <param name="every">How long between two; zero for never by itself.</param>
    public SnapshotSchedule(Snapshotter snapshotter, SnapshotCatalogue catalogue, ArchiveRetention retention, TimeSpan every, TimeProvider time, SnapshotMetrics metrics, ILogger<SnapshotSchedule> log)
    {
        (_snapshotter, _catalogue, _retention, _every, _time, _metrics, _log) = (snapshotter, catalogue, retention, every, time, metrics, log);
        _running = every > TimeSpan.Zero ? Task.Run(RunAsync) : Task.CompletedTask;
    }

    /// <summary>Why the last one that was due isn't taken; null when it is.</summary>
    public string? Ailment => _ailment;

    /// <summary>Takes one now, once another that is being taken is done.</summary>
    /// <exception cref="IOException">Nothing is archived now, or the store can't be reached.</exception>
    public async Task<SnapshotManifest> TakeAsync(Action<SnapshotProgress> progress, CancellationToken cancellation)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _stopping.Token);
        await _taking.WaitAsync(linked.Token).ConfigureAwait(false);
        try
        {
            SnapshotManifest manifest = await _snapshotter.TakeAsync(progress, linked.Token).ConfigureAwait(false);
            _metrics.Newest = manifest.Id.Taken;
            _metrics.Taken.Add(1);
            _log.LogDebug("Snapshot {Id} is taken: {Spans} spans, {Bytes} MB.", manifest.Id, manifest.Spans, manifest.Bytes / 1_000_000);
            await ExpireAsync(linked.Token).ConfigureAwait(false);
            return manifest;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _metrics.Failures.Add(1);
            throw;
        }
        finally
        {
            _taking.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        await _taking.WaitAsync().ConfigureAwait(false); // one that somebody asked for lets go of its parts first
        _taking.Dispose();
        _stopping.Dispose();
    }

    private async Task ExpireAsync(CancellationToken cancellation)
    {
        try
        {
            int deleted = await _retention.RunAsync(_time.GetUtcNow(), cancellation).ConfigureAwait(false);
            if (deleted > 0) _log.LogDebug("The archive has let go of {Count} objects.", deleted);
        }
        catch (IOException e)
        {
            _log.LogWarning("The archive keeps more than it needs, for now. {Cause}", e.Message);
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
                TimeSpan wait;
                try
                {
                    if (!isKnown) began = await LookAsync(began, stopping).ConfigureAwait(false);
                    isKnown = true;
                    wait = (_metrics.Newest ?? began) + _every - _time.GetUtcNow();
                    if (wait <= TimeSpan.Zero) await TakeAsync(_ => { }, stopping).ConfigureAwait(false);
                    _ailment = null;
                    if (wait <= TimeSpan.Zero) continue;
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
