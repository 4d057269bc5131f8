using System.Diagnostics;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Archive;

/// <summary>Where a log is archived, and how far.</summary>
/// <param name="Lineage">The archive.</param>
/// <param name="Epoch">The epoch.</param>
/// <param name="Frontier">Everything up to there is in the store.</param>
/// <param name="LeaseUntil">Until when nobody else may write, by the store's clock.</param>
public sealed record ArchivedLog(Guid Lineage, ArchiveEpoch Epoch, ArchiveFrontier Frontier, DateTimeOffset LeaseUntil);

/// <summary>
/// The archive's cursor: ships sealed segments to the store as they come.
/// <list type="number">
/// <item>Take the archive's lease, and renew it in time.</item>
/// <item>Wait for the next sealed segment, and a little for more to go with it.</item>
/// <item>Ship them as one object (<see cref="LogShipment"/>), and move the cursor on, which lets the log go of them.</item>
/// </list>
/// A store that is away is tried again for as long as it takes; ingest and queries go on meanwhile.
/// </summary>
public sealed class LogArchiver : IAsyncDisposable
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_drainPoll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_releasePatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_stopPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_forgottenAfter = TimeSpan.FromDays(1);

    private readonly IObjectStore _store;
    private readonly WriteAheadLog _wal;
    private readonly WalCursor _cursor;
    private readonly ArchiveLease _lease;
    private readonly DateTimeOffset _began;
    private readonly LogShipment _shipment;
    private readonly ArchiveOptions _options;
    private readonly ILogger<LogArchiver> _log;
    private readonly string _dataDirectory;

    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _draining = new();
    private readonly Task _following;
    private volatile string? _ailment;
    private bool _isProbed, _isAligned, _isNoted;
    private Task<ReceivedThrough>? _mark;
    private DateTimeOffset? _completeThrough;
    private ArchivedLog? _archived;
    private (ArchiveTrim Trim, TaskCompletionSource Done)? _trim;
    private (long Groups, long Bytes, long Holes) _shipped;
    private long _failures;

    /// <param name="store">Where to.</param>
    /// <param name="wal">The log.</param>
    /// <param name="cursor">The archive's, of this log.</param>
    /// <param name="dataDirectory">Whose archive it is.</param>
    /// <param name="options">How.</param>
    /// <param name="log">Tells.</param>
    public LogArchiver(IObjectStore store, WriteAheadLog wal, WalCursor cursor, string dataDirectory, ArchiveOptions options, ILogger<LogArchiver> log)
    {
        (_store, _wal, _cursor, _dataDirectory, _options, _log) = (store, wal, cursor, dataDirectory, options, log);
        _lease = new ArchiveLease(store, dataDirectory, wal.Identity, options);
        _began = DateTimeOffset.UtcNow;
        _shipment = new LogShipment(store, cursor, wal.Identity, options, log);
        _following = Task.Run(FollowAsync);
    }

    /// <summary>Why nothing is archived just now; null when all is well.</summary>
    public string? Ailment => _ailment;

    /// <summary>Everything that was received up to then is archived; null before anything is known.</summary>
    public DateTimeOffset? CompleteThrough
    {
        get
        {
            lock (_stopping) return _completeThrough;
        }
    }

    /// <summary>Objects that this process has archived, their bytes, and holes in them.</summary>
    public (long Groups, long Bytes, long Holes) Shipped
    {
        get
        {
            lock (_stopping) return _shipped;
        }
    }

    /// <summary>Where this process archives; null before it does.</summary>
    public ArchivedLog? Archived
    {
        get
        {
            lock (_stopping) return _archived;
        }
    }

    /// <summary>Attempts that failed and were repeated.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>What isn't archived yet.</summary>
    public WalBacklog Backlog => _cursor.Backlog;

    /// <summary>Notes in the archive's head what will be kept no longer; completes when it is noted.</summary>
    /// <exception cref="IOException">It can't be: another writes, or the store can't be reached.</exception>
    public Task TrimAsync(ArchiveTrim trim)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_stopping)
        {
            _trim?.Done.TrySetCanceled();
            _trim = (trim, done);
        }

        return done.Task;
    }

    /// <summary>Ships what is sealed, for as long as <paramref name="patience"/> lasts; the log keeps the rest.</summary>
    public async Task DrainAsync(TimeSpan patience)
    {
        await _draining.CancelAsync().ConfigureAwait(false);
        for (long started = Stopwatch.GetTimestamp(); _cursor.Backlog.Segments > 0 && _ailment is null && Stopwatch.GetElapsedTime(started) < patience;)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20)).ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        try
        {
            await _following.WaitAsync(s_stopPatience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _log.LogWarning("The archive's store doesn't answer; TraceStore stops without it. The log keeps what isn't archived.");
            return; // what it uses stays until the process ends
        }

        _stopping.Dispose();
        _draining.Dispose();
    }

    private async Task FollowAsync()
    {
        CancellationToken stopping = _stopping.Token;
        TimeSpan pause = s_firstPause;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await StepAsync(stopping).ConfigureAwait(false);
                if (_ailment is not null) _log.LogInformation("The log is archived again.");
                (_ailment, pause) = (null, s_firstPause);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                if (_ailment is null) _log.LogError(e is IOException ? null : e, "Nothing is archived now; the log keeps it, and it is tried again. {Cause}", e.Message);
                _ailment = e.Message;
                Interlocked.Increment(ref _failures);
                await Task.Delay(pause, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
            }
        }

        await ReleaseAsync().ConfigureAwait(false);
    }

    private async Task StepAsync(CancellationToken stopping)
    {
        if (!_lease.IsHeld || !_isAligned) await TakeAsync(stopping).ConfigureAwait(false); // 1
        else if (TakeTrim() is { } asked) await TrimAsync(asked.Trim, asked.Done, stopping).ConfigureAwait(false);
        else if (_lease.IsRenewalDue || (_lease.Frontier.CompleteThrough is null && _shipment.Frontier.CompleteThrough is not null)) await _lease.RenewAsync(_shipment.Frontier, stopping).ConfigureAwait(false);
        _mark ??= _wal.MarkReceivedAsync(stopping);
        if (await WaitAsync(_shipment.Frontier.Segment, _draining.IsCancellationRequested ? s_drainPoll : _options.RenewEvery / 4, stopping).ConfigureAwait(false) is { } first) await ShipAsync(first, stopping).ConfigureAwait(false); // 2, 3
        else NoteMark();
        lock (_stopping) _archived = new ArchivedLog(_lease.Lineage, _lease.Current, _shipment.Frontier, _lease.Until);
    }

    private async Task TakeAsync(CancellationToken stopping)
    {
        _isAligned = false;
        if (!_isProbed) await ProbeAsync(stopping).ConfigureAwait(false);
        ArchiveHead? found = await _lease.ReadAsync(stopping).ConfigureAwait(false);
        if (_mark is { IsCompleted: false } earlierMark) await ((Task)earlierMark).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // one at a time
        _mark = _wal.MarkReceivedAsync(stopping);
        ulong newest = (await _mark.ConfigureAwait(false)).Segment;
        ArchiveFrontier? end = found is null ? null : await _shipment.FindEndAsync(found.Current, found.Frontier, _lease.GoesOn(found) ? newest : null, stopping).ConfigureAwait(false);
        DateTimeOffset began = _shipment.FirstBegan is { } earlier && earlier < _began ? earlier : _began;
        ulong before = found?.Epochs.Where(epoch => epoch.Log == _wal.Identity).Max(epoch => epoch.End?.Segment) ?? 0; // of a log that was away and is back
        await _lease.TakeAsync(found, end, Math.Max(_shipment.First, before + 1), began, stopping).ConfigureAwait(false);
        _shipment.Align(_lease.Frontier);
        _isAligned = true;
        lock (_stopping) _completeThrough = _lease.Frontier.CompleteThrough;
    }

    /// <summary>A store that takes conditions and ignores them would let two writers spoil each other's archive.</summary>
    private async Task ProbeAsync(CancellationToken stopping)
    {
        IReadOnlyList<ProbeFinding> findings = await new ObjectStoreProbe(_store).RunShortAsync(stopping).ConfigureAwait(false);
        string[] lacks = [.. findings.Where(finding => !finding.IsGood).Select(finding => $"It should be one that {finding.What}, but {finding.Failure}. {finding.Means}")];
        if (lacks.Length > 0) throw new ArchiveNotOursException($"{_store.Address} can't keep an archive. {string.Join(" ", lacks)} tracestore archive probe tells more.");
        _isProbed = true;
        try
        {
            await _store.TakeBackForgottenAsync(s_forgottenAfter, stopping).ConfigureAwait(false);
        }
        catch (ObjectStoreException e) when (!e.MayPass)
        {
            // a writer needn't have the right to list or take back uploads
        }
    }

    private (ArchiveTrim Trim, TaskCompletionSource Done)? TakeTrim()
    {
        lock (_stopping)
        {
            var asked = _trim;
            _trim = null;
            return asked;
        }
    }

    private async Task TrimAsync(ArchiveTrim trim, TaskCompletionSource done, CancellationToken stopping)
    {
        try
        {
            await _lease.TrimAsync(trim, _shipment.Frontier, stopping).ConfigureAwait(false);
            done.SetResult();
        }
        catch (Exception e)
        {
            done.SetException(e);
            throw;
        }
    }

    private async Task ShipAsync(SealedSegment first, CancellationToken stopping)
    {
        _shipment.Begin();
        long since = Stopwatch.GetTimestamp();
        for (SealedSegment? next = first; next is { } segment && _shipment.HasRoomFor(segment);)
        {
            _shipment.Add(segment);
            TimeSpan patience = _draining.IsCancellationRequested ? TimeSpan.Zero : _options.MaxDelay - Stopwatch.GetElapsedTime(since);
            next = await WaitAsync(_shipment.Through, patience, stopping).ConfigureAwait(false);
        }

        NoteLog();
        _shipment.Mark = _mark is { IsCompletedSuccessfully: true } mark ? await mark.ConfigureAwait(false) : null;
        LogGroup shipped = await _shipment.ShipAsync(_lease.Lineage, _lease.Current.Number, stopping).ConfigureAwait(false);
        lock (_stopping) _shipped = (_shipped.Groups + 1, _shipped.Bytes + shipped.Segments.Sum(segment => (long)segment.Bytes.Length), _shipped.Holes + shipped.Holes.Count);
        NoteMark();
    }

    /// <summary>Notes which log it is, so that another one in its place is known for another. While one that was lost is noted there, that stays.</summary>
    private void NoteLog()
    {
        if (!_isNoted) _isNoted = ArchiveIdentity.Change(_dataDirectory, identity => identity with { Log = identity.Log ?? _wal.Identity }).Log == _wal.Identity;
    }

    /// <summary>The next sealed segment behind one; null when none comes in time.</summary>
    private async Task<SealedSegment?> WaitAsync(ulong behind, TimeSpan patience, CancellationToken stopping)
    {
        if (_cursor.SealedBehind(behind) is { } there) return there;
        if (patience <= TimeSpan.Zero) return null;
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(stopping, _draining.IsCancellationRequested ? stopping : _draining.Token);
        wait.CancelAfter(patience);
        try
        {
            return await _cursor.NextAsync(behind, wait.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Learns how far the archive is complete: idle times count as well.</summary>
    private void NoteMark()
    {
        if (_mark is not { IsCompleted: true } mark) return;
        if (!mark.IsCompletedSuccessfully)
        {
            _mark = null;
            return;
        }

        if (mark.Result.Segment > _shipment.Frontier.Segment) return; // archived soon
        _shipment.NoteComplete(mark.Result.Time);
        lock (_stopping) _completeThrough = mark.Result.Time;
        _mark = null;
    }

    private async Task ReleaseAsync()
    {
        if (!_lease.IsHeld || !_isAligned || _ailment is not null) return; // the lease ends by itself
        try
        {
            NoteMark();
            using var limit = new CancellationTokenSource(s_releasePatience);
            await _lease.ReleaseAsync(_shipment.Frontier, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // it ends by itself
        }
    }
}
