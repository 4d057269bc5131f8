using System.Diagnostics;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Collector.Pipeline;

/// <summary>
/// ClickHouse as ingest sees it: it has the schema, and keeps each block that it is given, or is known never to take it. For
/// one caller at a time.
/// </summary>
internal sealed class BlockStore(SchemaMigrator schema, SpanBlockInserter inserter, Func<StoreWatch> watch, StoreAttempts attempts, IngestMetrics metrics)
{
    private const int MaxRefusals = 5;
    private const int MaxShortages = 20;
    private const int MaxShortagesWhole = 3;
    private const int MaxPoisonInARow = 8;

    private int _poisonInARow;

    /// <summary>Brings the schema up to date. Each step is confirmed to be on disk before the next, as blocks are: it may drop what was copied.</summary>
    /// <returns>Whether there was none.</returns>
    public Task<bool> MigrateAsync(CancellationToken cancellation) => schema.MigrateAsync(
        async step =>
        {
            StoreWatch watching = watch();
            await step().ConfigureAwait(false);
            await watching.ConfirmAsync(cancellation).ConfigureAwait(false);
        },
        cancellation);

    /// <summary>Whether anything of a log is stored behind a segment.</summary>
    public Task<bool> HasBehindAsync(ulong log, ulong segment, CancellationToken cancellation) => inserter.HasBehindAsync(log, segment, cancellation);

    /// <summary>Stores what a segment's spans refer to, ahead of them: once.</summary>
    public async Task StoreReferencesAsync(DecodedSegment segment, CancellationToken cancellation)
    {
        try
        {
            StoreWatch watching = watch();
            bool isAnyNew = false;
            await WithSchemaAsync(async () => isAnyNew = await inserter.InsertReferencesAsync(segment, cancellation).ConfigureAwait(false), cancellation).ConfigureAwait(false);
            if (isAnyNew) await watching.ConfirmAsync(cancellation).ConfigureAwait(false);
        }
        catch
        {
            inserter.Forget();
            throw;
        }
    }

    /// <summary>
    /// Stores a block.
    /// <list type="number">
    /// <item>Insert it (<see cref="SpanBlockInserter"/>), again and again while ClickHouse is away.</item>
    /// <item>Confirm that it is on disk: an engine may have answered OK too early, and merges rewrite what inserts have synced.</item>
    /// <item>One that ClickHouse refuses though it takes others is poison.</item>
    /// </list>
    /// </summary>
    /// <param name="block">What to store.</param>
    /// <param name="mayBeStored">Whether it may have been tried before.</param>
    /// <param name="canBeParted">Whether its segments can be stored one by one instead: then that is tried soon.</param>
    /// <param name="stopping">Gives up.</param>
    /// <returns>Why ClickHouse will never take it; null when it is stored.</returns>
    public async Task<string?> StoreAsync(SpanBlock block, bool mayBeStored, bool canBeParted, CancellationToken stopping)
    {
        int refusals = 0, shortages = 0;
        string? reason = null;
        await attempts.UntilDoneAsync(
            async token =>
            {
                try
                {
                    bool look = mayBeStored;
                    mayBeStored = true; // whatever comes of this attempt
                    await TryAsync(block, look, token).ConfigureAwait(false);
                    _poisonInARow = 0;
                }
                catch (Exception e) when (IsItsFault(e, canBeParted, ref refusals, ref shortages))
                {
                    await inserter.CheckAsync(token).ConfigureAwait(false); // else it isn't the block's fault
                    reason = e.Message;
                    if (!canBeParted) _poisonInARow = Math.Min(_poisonInARow + 1, MaxPoisonInARow);
                    attempts.NoteWell();
                }
                catch
                {
                    inserter.Forget(); // of what was inserted, nobody knows what is whole
                    throw;
                }
            },
            stopping).ConfigureAwait(false);
        return reason;
    }

    /// <summary>Merges go on when nothing is inserted; what goes wrong with them must be found before their sources are gone.</summary>
    public async Task CheckIdleAsync(CancellationToken stopping)
    {
        try
        {
            await watch().CheckAsync(stopping).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            inserter.Forget();
            attempts.NoteIll(e);
            return;
        }

        attempts.NoteWell();
    }

    private async Task TryAsync(SpanBlock block, bool mayBeStored, CancellationToken stopping)
    {
        long started = Stopwatch.GetTimestamp();
        StoreWatch watching = watch();
        await WithSchemaAsync(() => inserter.InsertAsync(block, mayBeStored, stopping), stopping).ConfigureAwait(false); // 1
        await watching.ConfirmAsync(stopping).ConfigureAwait(false); // 2
        attempts.NoteWell();
        metrics.SpansStored.Add(block.Spans.Count);
        metrics.InsertDuration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds);
    }

    private async Task WithSchemaAsync(Func<Task> insert, CancellationToken cancellation)
    {
        try
        {
            await insert().ConfigureAwait(false);
        }
        catch (ClickHouseUnavailableException e) when (e.IsSchemaMissing)
        {
            await MigrateAsync(cancellation).ConfigureAwait(false); // a ClickHouse that came back empty
            throw;
        }
    }

    /// <summary>
    /// 3: whether a block has failed so often that it must be poison, if ClickHouse is well otherwise. Memory may be short
    /// because of others, for a minute. After each segment that was poison, and none stored, it takes twice as often: so many
    /// can't be poison.
    /// </summary>
    private bool IsItsFault(Exception failure, bool canBeParted, ref int refusals, ref int shortages) => failure switch
    {
        ClickHouseUnavailableException { IsOutOfMemory: true } when canBeParted => ++shortages >= MaxShortagesWhole,
        ClickHouseUnavailableException { IsOutOfMemory: true } => ++shortages >= MaxShortages << _poisonInARow,
        ClickHouseUnavailableException or IOException or HttpRequestException or OperationCanceledException => false,
        _ => ++refusals >= MaxRefusals << _poisonInARow,
    };
}
