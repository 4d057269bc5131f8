using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>Puts segments into one block: those that are asked for, or as many as are sealed and fit. For one caller at a time.</summary>
/// <param name="decoder">Decodes them.</param>
/// <param name="behind">The first sealed segment behind another; null where there is none yet.</param>
/// <param name="quarantine">Where it is noted that one is missing.</param>
/// <param name="damages">Counts those.</param>
/// <param name="log">Tells of those.</param>
internal sealed class BlockBuilder(DecodeAhead decoder, Func<ulong, SealedSegment?> behind, Quarantine quarantine, Counter<long> damages, ILogger log)
{
    /// <summary>What was built last.</summary>
    public SpanBlock Block { get; } = new();

    /// <summary>The last segment in it, with spans or without; of a block that can't be built, the last that belongs in it.</summary>
    public ulong Through { get; private set; }

    /// <summary>Builds a block.</summary>
    /// <param name="first">Its first segment.</param>
    /// <param name="through">Its last segment; null for as many as there are.</param>
    public async Task BuildAsync(SealedSegment first, ulong? through)
    {
        Block.Clear();
        Through = through ?? first.Number;
        ulong last = first.Number;
        Add(await DecodeAsync(first).ConfigureAwait(false));
        while (last != through && behind(last) is { } next && next.Number <= (through ?? ulong.MaxValue))
        {
            DecodedSegment? rows;
            try
            {
                rows = await DecodeAsync(next).ConfigureAwait(false);
            }
            catch (Exception) when (through is null)
            {
                break; // it is the first of the next block then, and its own matter
            }

            if (through is null && rows is not null && !Block.Fits(rows)) break;
            last = next.Number;
            Through = Math.Max(Through, last); // before it is added, which may fail
            Add(rows);
        }

        Through = last;
    }

    /// <summary>Decodes what comes next, if anything, while this is stored.</summary>
    public void BeginNext()
    {
        if (behind(Through) is { } next) decoder.Begin(next);
    }

    private void Add(DecodedSegment? rows)
    {
        if (rows is not null) Block.Add(rows);
    }

    /// <summary>Null where the segment is missing.</summary>
    private async Task<DecodedSegment?> DecodeAsync(SealedSegment segment)
    {
        try
        {
            Task<DecodedSegment> decoding = decoder.DecodeAsync(segment);
            if (behind(segment.Number) is { } next) decoder.Begin(next);
            return await decoding.ConfigureAwait(false);
        }
        catch (FileNotFoundException) when (!File.Exists(segment.Path))
        {
            quarantine.NoteMissing(segment.Number, segment.Number, "its file was there when it was written, and is gone");
            damages.Add(1);
            log.LogError("Segment {Segment} of the write-ahead log is missing: {Path} was deleted before it was stored. Its spans are lost unless a snapshot or client has them. Storing goes on with the next.", segment.Number, segment.Path);
            return null;
        }
    }
}
