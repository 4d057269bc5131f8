using System.Diagnostics;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>
/// Ingest, second half: follows the log, lets queries find what is sealed, and stores it in ClickHouse, in order.
/// <list type="number">
/// <item>Bring the schema up to date.</item>
/// <item>Wait for the next sealed segment, or one that was given back from the quarantine.</item>
/// <item>Decode it (<see cref="DecodeAhead"/>) and store what its spans refer to.</item>
/// <item>Add it to the <see cref="RecentSpans"/>: now its spans are found.</item>
/// <item>When these are many or have waited long enough, note how far they go, and store them as one block
/// (<see cref="BlockStore"/>): after a crash the same are tried again at once. A block that is poison is stored segment by
/// segment; the one that is poison goes into the quarantine, so that it holds up nothing.</item>
/// <item>Move the cursor on, which lets the log go of what is stored.</item>
/// </list>
/// </summary>
public sealed class SegmentFollower : IAsyncDisposable
{
    /// <summary>A ClickHouse that has been away for so long is not waited for at shutdown: the log keeps what it hasn't got.</summary>
    private static readonly TimeSpan s_hopelessAfter = TimeSpan.FromSeconds(5);

    /// <summary>How often to look whether something was given back, and whether ClickHouse is well.</summary>
    private static readonly TimeSpan s_poll = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_betweenTries = TimeSpan.FromMilliseconds(50);

    private readonly WalCursor _cursor;
    private readonly Quarantine _quarantine;
    private readonly SchemaMigrator _schema;
    private readonly RecentSpans _recent;
    private readonly TimeSpan _maxBlockAge;
    private readonly ILogger<SegmentFollower> _log;

    private readonly DecodeAhead _decoder;
    private readonly StoreAttempts _attempts;
    private readonly BlockStore _store;
    private readonly SingleSegments _singles;
    private readonly SemaphoreSlim _storing = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _draining = new();
    private readonly TaskCompletionSource _schemaReady = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _following;
    private readonly WriteAheadLog _wal;
    private volatile string? _ended;
    private ulong _takenThrough;
    private long _waitingSince;

    /// <param name="wal">The log.</param>
    /// <param name="quarantine">Where poison goes.</param>
    /// <param name="schema">Brings ClickHouse's schema up to date.</param>
    /// <param name="inserter">Stores in ClickHouse.</param>
    /// <param name="watch">Begins to watch ClickHouse, before an insert.</param>
    /// <param name="recent">Where queries find what isn't stored yet.</param>
    /// <param name="maxBlockAge">How long that waits for more, so that blocks are large.</param>
    /// <param name="metrics">Counts.</param>
    /// <param name="log">Tells.</param>
    public SegmentFollower(
        WriteAheadLog wal,
        Quarantine quarantine,
        SchemaMigrator schema,
        SpanBlockInserter inserter,
        Func<StoreWatch> watch,
        RecentSpans recent,
        TimeSpan maxBlockAge,
        IngestMetrics metrics,
        ILogger<SegmentFollower> log)
    {
        (_quarantine, _schema, _recent, _maxBlockAge, _log) = (quarantine, schema, recent, maxBlockAge, log);
        quarantine.Prepare();
        _cursor = wal.OpenCursor("clickhouse", CursorClaim.Required);
        _takenThrough = _cursor.Position;
        _wal = wal;
        _decoder = new DecodeAhead(new SegmentDecoder(quarantine, log), metrics.RecordsDamaged);
        _attempts = new StoreAttempts(metrics, log);
        _store = new BlockStore(schema, inserter, watch, _attempts, metrics);
        _singles = new SingleSegments(_decoder, _store, _attempts, quarantine, metrics, log);
        _following = Task.Run(FollowAsync);
    }

    /// <summary>Completes when the schema is up to date, from when on there are tables to query; fails when it can't be.</summary>
    public Task SchemaReady => _schemaReady.Task;

    /// <summary>Why spans can't be stored just now; null when they can.</summary>
    public string? Ailment => _attempts.Ailment ?? _ended;

    /// <summary>Whether ClickHouse may hold what comes next behind the cursor.</summary>
    private bool MayBeStored => _cursor.TriedThrough is not null || _cursor.Position < _cursor.InDoubtThrough;

    /// <summary>Whether there is something of an earlier process that isn't known to be in doubt.</summary>
    private bool IsAnyLeft => Math.Max(_cursor.Position, _cursor.InDoubtThrough) < _wal.NewestAtOpen;

    private bool IsAnyWaiting => _takenThrough > _cursor.Position;

    /// <summary>How long what waits may still wait.</summary>
    private TimeSpan PatienceLeft => _draining.IsCancellationRequested ? TimeSpan.Zero : _maxBlockAge - Stopwatch.GetElapsedTime(_waitingSince);

    /// <summary>Stores what is sealed, for as long as <paramref name="patience"/> lasts; returns what is left in the log.</summary>
    public async Task<WalBacklog> DrainAsync(TimeSpan patience)
    {
        await _draining.CancelAsync().ConfigureAwait(false);
        long started = Stopwatch.GetTimestamp();
        while (_cursor.Backlog.Segments > 0 && Stopwatch.GetElapsedTime(started) < patience && !_following.IsCompleted)
        {
            if (_attempts.AilingFor > s_hopelessAfter) break;
            await Task.Delay(TimeSpan.FromMilliseconds(20)).ConfigureAwait(false);
        }

        return _cursor.Backlog;
    }

    /// <summary>Runs something between two blocks, which wait for it: ClickHouse then holds the log up to a segment, and nothing of it behind.</summary>
    /// <param name="action">Is told the segment.</param>
    /// <param name="cancellation">Gives up waiting; while ClickHouse is away, what is stored of the last block isn't known.</param>
    public async Task<T> BetweenBlocksAsync<T>(Func<ulong, Task<T>> action, CancellationToken cancellation)
    {
        await _schemaReady.Task.WaitAsync(cancellation).ConfigureAwait(false);
        while (true)
        {
            await _storing.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                if (!MayBeStored) return await action(_cursor.Position).ConfigureAwait(false);
                if (_ended is { } ended) throw new IOException($"Spans are no longer stored: {ended}");
            }
            finally
            {
                _storing.Release();
            }

            await Task.Delay(s_betweenTries, cancellation).ConfigureAwait(false); // the last process's last block is stored again first
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _following.ConfigureAwait(false);
        await _decoder.DisposeAsync().ConfigureAwait(false);
        _storing.Dispose();
        _stopping.Dispose();
        _draining.Dispose();
    }

    private async Task FollowAsync()
    {
        CancellationToken stopping = _stopping.Token;
        try
        {
            await _attempts.UntilPreparedAsync(PrepareAsync, stopping).ConfigureAwait(false); // 1
            _schemaReady.SetResult();
            while (true) await _attempts.UntilDoneAsync(StepAsync, stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // the log keeps the rest for the next start
        }
        catch (Exception e)
        {
            _ended = e.Message;
            _schemaReady.TrySetException(e);
            _log.LogCritical(e, "Spans are no longer stored, only kept in the write-ahead log. Restart TraceStore when the cause is mended.");
        }
    }

    /// <summary>Brings the schema up to date, and says what was lost while nobody looked.</summary>
    private async Task PrepareAsync(CancellationToken cancellation)
    {
        bool isNew = await _store.MigrateAsync(cancellation).ConfigureAwait(false);
        if (isNew && _cursor.Position > 0)
        {
            _log.LogWarning("ClickHouse is empty, though the write-ahead log has been stored there up to segment {Segment}. Is its disk not mounted, or was it replaced? TraceStore goes on with empty tables.", _cursor.Position);
        }

        if (!isNew && IsAnyLeft && await _store.HasBehindAsync(_wal.Identity, Math.Max(_cursor.Position, _cursor.TriedThrough ?? 0), cancellation).ConfigureAwait(false))
        {
            _log.LogWarning("ClickHouse holds more of the write-ahead log than was stored from here: it was restored from its archive meanwhile, or this directory was set back. What is left of it is looked for before it is stored.");
            _cursor.DoubtWhatIsLeft();
        }

        if (!isNew && _wal.IsNew)
        {
            _log.LogWarning("The write-ahead log is new, though ClickHouse holds tables of TraceStore. Is the log's disk not mounted? Spans in it that weren't stored yet are missing. (Where other collectors store here too, all is well.)");
        }

        IReadOnlyList<string> damaged = await _schema.DamagedPartsAsync(cancellation).ConfigureAwait(false);
        if (damaged.Count > 0)
        {
            _log.LogWarning(
                "ClickHouse has set aside {Count} damaged parts at this start or an earlier one: {Parts}. Spans in them are missing, unless they were merged or stored again since. Check the disk; the parts are in the tables' detached folders.",
                damaged.Count, string.Join(", ", damaged.Take(10)) + (damaged.Count > 10 ? ", …" : ""));
        }
    }

    private async Task StepAsync(CancellationToken stopping)
    {
        SealedSegment? next = _cursor.SealedBehind(_takenThrough);
        if (IsAnyWaiting && IsDue(next)) await StoringAsync(() => StoreWaitingAsync(stopping), stopping).ConfigureAwait(false);
        else if (_quarantine.NextGivenBack() is { } givenBack) await StoringAsync(() => StoreGivenBackAsync(givenBack, stopping), stopping).ConfigureAwait(false);
        else if ((next ?? await WaitForNextAsync(stopping).ConfigureAwait(false)) is { } segment) await StoringAsync(() => TakeAsync(segment, stopping), stopping).ConfigureAwait(false);
        else await _store.CheckIdleAsync(stopping).ConfigureAwait(false);
    }

    private async Task StoringAsync(Func<Task> step, CancellationToken stopping)
    {
        await _storing.WaitAsync(stopping).ConfigureAwait(false);
        try
        {
            await step().ConfigureAwait(false);
        }
        finally
        {
            _storing.Release();
        }
    }

    /// <summary>Whether what waits is to be stored before the next segment is taken, if there is one.</summary>
    private bool IsDue(SealedSegment? next)
    {
        if (_cursor.TriedThrough is { } tried) return next is not { } segment || segment.Number > tried; // as it was tried, neither less nor more
        if (_cursor.Position < _cursor.InDoubtThrough) return true; // one by one, as they were tried, if they were
        return next is null && (PatienceLeft <= TimeSpan.Zero || _recent.Block.HasMany || _attempts.Ailment is not null);
    }

    /// <summary>2: null when there was none for a while, or what waits is due.</summary>
    private async Task<SealedSegment?> WaitForNextAsync(CancellationToken stopping)
    {
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(stopping, IsAnyWaiting ? _draining.Token : stopping);
        TimeSpan longest = IsAnyWaiting && PatienceLeft < s_poll ? PatienceLeft : s_poll;
        wait.CancelAfter(longest > TimeSpan.Zero ? longest : TimeSpan.Zero);
        try
        {
            return await _cursor.NextAsync(_takenThrough, wait.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Takes the next segment to those that wait, or stores these first where it doesn't fit.</summary>
    private async Task TakeAsync(SealedSegment segment, CancellationToken stopping)
    {
        DecodedSegment? rows = await _singles.DecodeAsync(segment).ConfigureAwait(false); // 3
        if (rows is not null)
        {
            if (_cursor.TriedThrough is null && !_recent.Block.Fits(rows))
            {
                await StoreWaitingAsync(stopping).ConfigureAwait(false);
                return;
            }

            try
            {
                await _store.StoreReferencesAsync(rows, stopping).ConfigureAwait(false);
            }
            catch (ClickHouseRefusedException)
            {
                await StoreWithRefusedAsync(segment, stopping).ConfigureAwait(false);
                return;
            }

            _recent.Add(rows); // 4
        }

        if (!IsAnyWaiting) _waitingSince = Stopwatch.GetTimestamp();
        _takenThrough = segment.Number;
        if (_cursor.SealedBehind(segment.Number) is { } next) _decoder.Begin(next);
    }

    private async Task StoreWaitingAsync(CancellationToken stopping)
    {
        ulong through = _takenThrough;
        if (_recent.Block.Segments is not null)
        {
            bool mayBeStored = MayBeStored;
            if (_cursor.TriedThrough is null) await _attempts.UntilDoneAsync(() => _cursor.NoteTried(through), stopping).ConfigureAwait(false); // 5
            string? reason = await _store.StoreAsync(_recent.Block, mayBeStored, canBeParted: true, stopping).ConfigureAwait(false);
            if (reason is not null) await StoreOneByOneAsync(through, stopping).ConfigureAwait(false);
        }

        await _attempts.UntilDoneAsync(() => _cursor.Advance(through), stopping).ConfigureAwait(false); // 6
        _recent.Clear();
    }

    /// <summary>What a segment's spans refer to is refused: stores what waits, and then sees whether the segment is poison.</summary>
    private async Task StoreWithRefusedAsync(SealedSegment segment, CancellationToken stopping)
    {
        if (_cursor.TriedThrough is { } tried)
        {
            await StoreOneByOneAsync(tried, stopping).ConfigureAwait(false);
            _recent.Clear();
            return;
        }

        if (IsAnyWaiting) await StoreWaitingAsync(stopping).ConfigureAwait(false);
        await StoreAloneAsync(segment, MayBeStored, stopping).ConfigureAwait(false);
    }

    /// <summary>What waits is found in memory all the while.</summary>
    private async Task StoreOneByOneAsync(ulong through, CancellationToken stopping)
    {
        await _attempts.UntilDoneAsync(_cursor.PartTried, stopping).ConfigureAwait(false);
        while (_cursor.SealedBehind(_cursor.Position) is { } segment && segment.Number <= through)
        {
            await StoreAloneAsync(segment, mayBeStored: true, stopping).ConfigureAwait(false);
        }
    }

    private async Task StoreAloneAsync(SealedSegment segment, bool mayBeStored, CancellationToken stopping)
    {
        await _attempts.UntilDoneAsync(() => _cursor.NoteTried(segment.Number), stopping).ConfigureAwait(false);
        await _singles.StoreAsync(segment, mayBeStored, stopping).ConfigureAwait(false);
        await _attempts.UntilDoneAsync(() => _cursor.Advance(segment.Number), stopping).ConfigureAwait(false);
        _takenThrough = Math.Max(_takenThrough, segment.Number);
    }

    private async Task StoreGivenBackAsync(SealedSegment givenBack, CancellationToken stopping)
    {
        await _singles.StoreAsync(givenBack, mayBeStored: true, stopping).ConfigureAwait(false);
        await _attempts.UntilDoneAsync(() => _quarantine.Finish(givenBack), stopping).ConfigureAwait(false);
    }
}
