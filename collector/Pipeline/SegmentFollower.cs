using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>
/// Ingest, second half: follows the log and stores each sealed segment in ClickHouse, in order, until it is there.
/// <list type="number">
/// <item>Bring the schema up to date.</item>
/// <item>Wait for the next sealed segment behind the cursor.</item>
/// <item>Decode it (<see cref="SegmentDecoder"/>).</item>
/// <item>Insert it (<see cref="SpanBlockInserter"/>), again and again while ClickHouse is away.</item>
/// <item>Make durable what ClickHouse has still in memory: merges rewrite what inserts have synced.</item>
/// <item>Move the cursor on and let the log go of what is stored.</item>
/// </list>
/// </summary>
public sealed class SegmentFollower : IAsyncDisposable
{
    private const string CursorName = "clickhouse";

    private readonly WriteAheadLog _wal;
    private readonly WalCursor _cursor;
    private readonly SchemaMigrator _schema;
    private readonly SpanBlockInserter _inserter;
    private readonly Action _makeDurable;
    private readonly IngestMetrics _metrics;
    private readonly ILogger<SegmentFollower> _log;

    private readonly SegmentDecoder _decoder;
    private readonly DecodedSegment _segment = new();
    private readonly ResiliencePipeline _untilMigrated;
    private readonly ResiliencePipeline _untilStored;
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _schemaReady = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _following;
    private readonly ulong _inDoubtThrough;
    private volatile string? _ailment;

    /// <param name="makeDurable">Makes durable what ClickHouse has been given; nothing where that is out of our reach.</param>
    public SegmentFollower(
        WriteAheadLog wal,
        WalOptions walOptions,
        SchemaMigrator schema,
        SpanBlockInserter inserter,
        Action makeDurable,
        IngestMetrics metrics,
        ILogger<SegmentFollower> log)
    {
        (_wal, _schema, _inserter, _makeDurable, _metrics, _log) = (wal, schema, inserter, makeDurable, metrics, log);
        _cursor = WalCursor.Open(walOptions.Directory, CursorName, wal.Identity);
        _inDoubtThrough = wal.NewestAtOpen;
        _decoder = new SegmentDecoder(log);
        _untilMigrated = Retrying(new PredicateBuilder().Handle<ClickHouseUnavailableException>().Handle<ClickHouseRefusedException>());
        _untilStored = Retrying(new PredicateBuilder()
            .Handle<ClickHouseUnavailableException>()
            .Handle<ClickHouseRefusedException>()
            .Handle<IOException>()
            .Handle<UnauthorizedAccessException>()
            .Handle<InvalidDataException>());
        wal.TruncateThrough(_cursor.Position);
        _following = Task.Run(FollowAsync);
    }

    /// <summary>Completes when the schema is up to date, from when on there are tables to query; fails when it can't be.</summary>
    public Task SchemaReady => _schemaReady.Task;

    /// <summary>Why spans can't be stored just now; null when they can.</summary>
    public string? Ailment => _ailment;

    /// <summary>Stores what is sealed, for as long as <paramref name="patience"/> lasts; returns how many segments are left in the log.</summary>
    public async Task<int> DrainAsync(TimeSpan patience)
    {
        long started = Stopwatch.GetTimestamp();
        while (_wal.SealedBehind(_cursor.Position) > 0 && Stopwatch.GetElapsedTime(started) < patience && _ailment is null)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20)).ConfigureAwait(false);
        }

        return _wal.SealedBehind(_cursor.Position);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _following.ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task FollowAsync()
    {
        CancellationToken stopping = _stopping.Token;
        try
        {
            await _untilMigrated.ExecuteAsync(async token => await _schema.MigrateAsync(token).ConfigureAwait(false), stopping).ConfigureAwait(false); // 1
            _ailment = null;
            _schemaReady.SetResult();
            while (true)
            {
                string path = await _wal.NextSealedAsync(_cursor.Position, stopping).ConfigureAwait(false); // 2
                bool mayBeStored = WalSegment.NumberOf(path) <= _inDoubtThrough;
                await _untilStored.ExecuteAsync(
                    async token =>
                    {
                        bool look = mayBeStored;
                        mayBeStored = true; // whatever comes of this attempt
                        await StoreAsync(path, look, token).ConfigureAwait(false);
                    },
                    stopping).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // the log keeps the rest for the next start
        }
        catch (Exception e)
        {
            _ailment = e.Message;
            _schemaReady.TrySetException(e);
            _log.LogCritical(e, "Spans are no longer stored, only kept in the write-ahead log. Restart TraceStore when the cause is mended.");
        }
    }

    private async Task StoreAsync(string path, bool mayBeStored, CancellationToken stopping)
    {
        long started = Stopwatch.GetTimestamp();
        ulong number = WalSegment.NumberOf(path);
        _decoder.Decode(path, _segment); // 3
        try
        {
            await _inserter.InsertAsync(_segment, mayBeStored, stopping).ConfigureAwait(false); // 4
        }
        catch (ClickHouseUnavailableException e) when (e.IsSchemaMissing)
        {
            // A ClickHouse that came back empty
            await _schema.MigrateAsync(stopping).ConfigureAwait(false);
            _inserter.Forget();
            throw;
        }

        if (_ailment is not null) _log.LogInformation("ClickHouse takes spans again.");
        _ailment = null;
        _makeDurable(); // 5
        _cursor.Advance(number); // 6
        _wal.TruncateThrough(number);
        _metrics.SpansStored.Add(_segment.Spans.Count);
        _metrics.InsertDuration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Tries again for as long as it takes, ever more slowly.</summary>
    private ResiliencePipeline Retrying(PredicateBuilder<object> failures) => new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = failures,
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(100),
            MaxDelay = TimeSpan.FromSeconds(5),
            UseJitter = true,
            OnRetry = attempt =>
            {
                _metrics.InsertFailures.Add(1);
                LogOutage(attempt.Outcome.Exception!);
                return default;
            },
        })
        .Build();

    /// <summary>Says that ClickHouse is away when it goes, not at every attempt.</summary>
    private void LogOutage(Exception cause)
    {
        bool isKnown = _ailment is not null;
        _ailment = cause.Message;
        if (!isKnown) _log.LogWarning("Spans can't be stored now; they are safe in the write-ahead log, and stored when ClickHouse takes them. {Cause}", cause.Message);
    }
}
