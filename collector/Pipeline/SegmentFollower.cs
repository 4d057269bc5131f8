using System.Diagnostics;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>
/// Ingest, second half: follows the log and stores what is sealed in ClickHouse, in order, until it is there.
/// <list type="number">
/// <item>Bring the schema up to date.</item>
/// <item>Wait for the next sealed segment behind the cursor, or one that was given back from the quarantine.</item>
/// <item>Put it into a block, with all that are sealed behind it and fit (<see cref="BlockBuilder"/>).</item>
/// <item>Where they are more than one, note how far they go: after a crash the same are tried again at once. What isn't
/// noted, and may be stored, is tried segment by segment.</item>
/// <item>Insert them (<see cref="SpanBlockInserter"/>), again and again while ClickHouse is away. A block that ClickHouse
/// refuses though it takes others is poison: its segments are then stored one by one, and the one that is still refused goes
/// into the quarantine, so that it holds up nothing.</item>
/// <item>Confirm that it is on disk: an engine may have answered OK too early, and merges rewrite what inserts have synced.</item>
/// <item>Move the cursor on, which lets the log go of what is stored.</item>
/// </list>
/// </summary>
public sealed class SegmentFollower : IAsyncDisposable
{
    private const int MaxRefusals = 5;
    private const int MaxShortages = 20;
    private const int MaxShortagesOfRange = 3;
    private const int MaxSetAsideInARow = 8;

    /// <summary>A ClickHouse that has been away for so long is not waited for at shutdown: the log keeps what it hasn't got.</summary>
    private static readonly TimeSpan s_hopelessAfter = TimeSpan.FromSeconds(5);

    /// <summary>How often to look whether something was given back.</summary>
    private static readonly TimeSpan s_giveBackPoll = TimeSpan.FromSeconds(1);

    private readonly WalCursor _cursor;
    private readonly Quarantine _quarantine;
    private readonly SchemaMigrator _schema;
    private readonly SpanBlockInserter _inserter;
    private readonly Func<StoreWatch> _watch;
    private readonly IngestMetrics _metrics;
    private readonly ILogger<SegmentFollower> _log;

    private readonly DecodeAhead _decoder;
    private readonly BlockBuilder _builder;
    private readonly StoreAttempts _attempts;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _schemaReady = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _following;
    private readonly ulong _inDoubtThrough;
    private readonly bool _logIsNew;
    private volatile string? _ended;
    private ulong _singlyThrough;
    private int _setAsideInARow;

    /// <param name="watch">Begins to watch ClickHouse, before an insert.</param>
    public SegmentFollower(
        WriteAheadLog wal,
        Quarantine quarantine,
        SchemaMigrator schema,
        SpanBlockInserter inserter,
        Func<StoreWatch> watch,
        IngestMetrics metrics,
        ILogger<SegmentFollower> log)
    {
        (_quarantine, _schema, _inserter, _watch, _metrics, _log) = (quarantine, schema, inserter, watch, metrics, log);
        quarantine.Prepare();
        _cursor = wal.OpenCursor("clickhouse", CursorClaim.Required);
        _inDoubtThrough = wal.NewestAtOpen;
        _logIsNew = wal.IsNew;
        _decoder = new DecodeAhead(() => new SegmentDecoder(quarantine, log), metrics.RecordsDamaged);
        _builder = new BlockBuilder(_decoder, _cursor.SealedBehind, quarantine, metrics.RecordsDamaged, log);
        _attempts = new StoreAttempts(metrics, log);
        _following = Task.Run(FollowAsync);
    }

    /// <summary>Completes when the schema is up to date, from when on there are tables to query; fails when it can't be.</summary>
    public Task SchemaReady => _schemaReady.Task;

    /// <summary>Why spans can't be stored just now; null when they can.</summary>
    public string? Ailment => _attempts.Ailment ?? _ended;

    /// <summary>Stores what is sealed, for as long as <paramref name="patience"/> lasts; returns what is left in the log.</summary>
    public async Task<WalBacklog> DrainAsync(TimeSpan patience)
    {
        long started = Stopwatch.GetTimestamp();
        while (_cursor.Backlog.Segments > 0 && Stopwatch.GetElapsedTime(started) < patience && !_following.IsCompleted)
        {
            if (_attempts.AilingFor > s_hopelessAfter) break;
            await Task.Delay(TimeSpan.FromMilliseconds(20)).ConfigureAwait(false);
        }

        return _cursor.Backlog;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _following.ConfigureAwait(false);
        await _decoder.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
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

    private async Task StepAsync(CancellationToken stopping)
    {
        if (_quarantine.NextGivenBack() is { } givenBack)
        {
            await StoreAsync(givenBack, through: givenBack.Number, mayBeStored: true, stopping).ConfigureAwait(false);
            await _attempts.UntilDoneAsync(_ => Finish(givenBack), stopping).ConfigureAwait(false);
        }
        else if (await NextAsync(stopping).ConfigureAwait(false) is { } first) // 2
        {
            bool isInDoubt = first.Number <= Math.Max(_inDoubtThrough, _singlyThrough);
            ulong? through = _cursor.TriedThrough ?? (isInDoubt ? first.Number : null);
            ulong stored = await StoreAsync(first, through, mayBeStored: through is not null, stopping).ConfigureAwait(false);
            if (stored > 0) await _attempts.UntilDoneAsync(_ => Advance(stored), stopping).ConfigureAwait(false); // 7
        }
        else
        {
            await CheckIdleAsync(stopping).ConfigureAwait(false);
        }
    }

    /// <summary>Brings the schema up to date, and says what was lost while nobody looked.</summary>
    private async Task PrepareAsync(CancellationToken cancellation)
    {
        bool isNew = await MigrateAsync(cancellation).ConfigureAwait(false);
        if (isNew && _cursor.Position > 0)
        {
            _log.LogWarning("ClickHouse is empty, though the write-ahead log has been stored there up to segment {Segment}. Is its disk not mounted, or was it replaced? TraceStore goes on with empty tables.", _cursor.Position);
        }

        if (!isNew && _logIsNew)
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

    /// <summary>Each step is confirmed to be on disk before the next, as segments are: it may drop what was copied.</summary>
    private Task<bool> MigrateAsync(CancellationToken cancellation) => _schema.MigrateAsync(
        async step =>
        {
            StoreWatch watch = _watch();
            await step().ConfigureAwait(false);
            await watch.ConfirmAsync(cancellation).ConfigureAwait(false);
        },
        cancellation);

    /// <summary>Merges go on when nothing is inserted; what goes wrong with them must be found before their sources are gone.</summary>
    private async Task CheckIdleAsync(CancellationToken stopping)
    {
        try
        {
            await _watch().CheckAsync(stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            _inserter.Forget();
            _attempts.NoteIll(e);
            return;
        }

        _attempts.NoteWell();
    }

    /// <summary>Null when there was none for a while.</summary>
    private async Task<SealedSegment?> NextAsync(CancellationToken stopping)
    {
        using var wait = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        wait.CancelAfter(s_giveBackPoll);
        try
        {
            return await _cursor.NextAsync(wait.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>
    /// Stores a block of segments, or sets aside the one segment that it has. Returns the last that is done with; 0 when
    /// they have to be stored one by one.
    /// </summary>
    private async Task<ulong> StoreAsync(SealedSegment first, ulong? through, bool mayBeStored, CancellationToken stopping)
    {
        int refusals = 0, shortages = 0;
        bool isBuilt = false, isNoted = through is not null, isApart = false;
        await _attempts.UntilDoneAsync(
            async token =>
            {
                try
                {
                    if (!isBuilt) await _builder.BuildAsync(first, through).ConfigureAwait(false); // 3
                    isBuilt = true;
                    if (!isNoted && _builder.Through > first.Number) _cursor.NoteTried(_builder.Through); // 4
                    isNoted = true;
                    bool look = mayBeStored;
                    mayBeStored = true; // whatever comes of this attempt
                    await StoreAsync(look, token).ConfigureAwait(false);
                    _setAsideInARow = 0;
                }
                catch (Exception e) when (IsItsFault(e, _builder.Through > first.Number, ref refusals, ref shortages))
                {
                    await _inserter.CheckAsync(token).ConfigureAwait(false); // else it isn't the segments' fault
                    isApart = _builder.Through > first.Number;
                    if (!isApart) SetAside(first, e.Message);
                }
                catch
                {
                    _inserter.Forget(); // of what was inserted, nobody knows what is whole
                    throw;
                }
            },
            stopping).ConfigureAwait(false);
        if (!isApart) return _builder.Through;

        _singlyThrough = _builder.Through;
        await _attempts.UntilDoneAsync(_ => ForgetTried(), stopping).ConfigureAwait(false);
        return 0;
    }

    /// <summary>
    /// Whether a segment has failed so often that it must be poison, if ClickHouse is well otherwise. Memory may be short
    /// because of others, for a minute. After each segment that was set aside, and none stored, it takes twice as often:
    /// so many can't be poison.
    /// </summary>
    private bool IsItsFault(Exception failure, bool isRange, ref int refusals, ref int shortages) => failure switch
    {
        ClickHouseUnavailableException { IsOutOfMemory: true } when isRange => ++shortages >= MaxShortagesOfRange,
        ClickHouseUnavailableException { IsOutOfMemory: true } => ++shortages >= MaxShortages << _setAsideInARow,
        ClickHouseUnavailableException or IOException or HttpRequestException or OperationCanceledException => false,
        _ => ++refusals >= MaxRefusals << _setAsideInARow,
    };

    private async Task StoreAsync(bool mayBeStored, CancellationToken stopping)
    {
        long started = Stopwatch.GetTimestamp();
        _builder.BeginNext();
        StoreWatch watch = _watch();
        try
        {
            await _inserter.InsertAsync(_builder.Block, mayBeStored, stopping).ConfigureAwait(false); // 5
        }
        catch (ClickHouseUnavailableException e) when (e.IsSchemaMissing)
        {
            await MigrateAsync(stopping).ConfigureAwait(false); // a ClickHouse that came back empty
            throw;
        }

        await watch.ConfirmAsync(stopping).ConfigureAwait(false); // 6
        _attempts.NoteWell();
        _metrics.SpansStored.Add(_builder.Block.Spans);
        _metrics.InsertDuration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private void SetAside(SealedSegment segment, string reason)
    {
        _quarantine.SetAside(segment, reason);
        _setAsideInARow = Math.Min(_setAsideInARow + 1, MaxSetAsideInARow);
        _attempts.NoteWell();
        _metrics.SegmentsQuarantined.Add(1);
        _log.LogError(
            "ClickHouse takes other spans, but refuses those of segment {Segment}: they are set aside in the quarantine. See: tracestore quarantine. {Reason}",
            segment.Number, reason);
    }

    private Task Finish(SealedSegment givenBack)
    {
        _quarantine.Finish(givenBack);
        return Task.CompletedTask;
    }

    private Task ForgetTried()
    {
        _cursor.ForgetTried();
        return Task.CompletedTask;
    }

    private Task Advance(ulong segment)
    {
        _cursor.Advance(segment);
        return Task.CompletedTask;
    }
}
