using Microsoft.Extensions.Logging;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>
/// Segments one by one: those of a block that is poison, those that were given back. One that ClickHouse refuses though it takes others goes
/// into the quarantine, so that it holds up nothing; one that is missing is said to be, and passed over. For one caller at a time.
/// </summary>
internal sealed class SingleSegments(DecodeAhead decoder, BlockStore store, StoreAttempts attempts, Quarantine quarantine, IngestMetrics metrics, ILogger log)
{
    private readonly SpanBlock _block = new();

    /// <summary>A segment's rows; null where it is missing.</summary>
    public async Task<DecodedSegment?> DecodeAsync(SealedSegment segment)
    {
        try
        {
            return await decoder.DecodeAsync(segment).ConfigureAwait(false);
        }
        catch (FileNotFoundException) when (!File.Exists(segment.Path))
        {
            quarantine.NoteMissing(segment.Number, segment.Number, "its file was there when it was written, and is gone");
            metrics.RecordsDamaged.Add(1);
            log.LogError("Segment {Segment} of the write-ahead log is missing: {Path} was deleted before it was stored. Its spans are lost unless a snapshot or client has them. Storing goes on with the next.", segment.Number, segment.Path);
            return null;
        }
    }

    /// <summary>Stores a segment, or sets it aside.</summary>
    /// <param name="segment">Which.</param>
    /// <param name="mayBeStored">Whether it may have been tried before.</param>
    /// <param name="stopping">Gives up.</param>
    public async Task StoreAsync(SealedSegment segment, bool mayBeStored, CancellationToken stopping)
    {
        _block.Clear();
        await attempts.UntilDoneAsync(
            async _ =>
            {
                if (await DecodeAsync(segment).ConfigureAwait(false) is { } rows) _block.Add(rows);
            },
            stopping).ConfigureAwait(false);
        string? reason = await store.StoreAsync(_block, mayBeStored, canBeParted: false, stopping).ConfigureAwait(false);
        if (reason is not null) await SetAsideAsync(segment, reason, stopping).ConfigureAwait(false);
        _block.Clear();
    }

    private async Task SetAsideAsync(SealedSegment segment, string reason, CancellationToken stopping)
    {
        await attempts.UntilDoneAsync(() => quarantine.SetAside(segment, reason), stopping).ConfigureAwait(false);
        metrics.SegmentsQuarantined.Add(1);
        log.LogError(
            "ClickHouse takes other spans, but refuses those of segment {Segment}: they are set aside in the quarantine. See: tracestore quarantine. {Reason}",
            segment.Number, reason);
    }
}
