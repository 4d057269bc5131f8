using System.Diagnostics.Metrics;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>
/// Decodes segments, and the next one while what is before it is being stored. A segment that is asked for again is not decoded
/// again. For one caller at a time.
/// </summary>
internal sealed class DecodeAhead(SegmentDecoder decoder, Counter<long> damages) : IAsyncDisposable
{
    private SealedSegment? _segment;
    private Task _decoding = Task.CompletedTask;

    /// <summary>A segment's rows, valid until another segment is asked for or begun with.</summary>
    public async Task<DecodedSegment> DecodeAsync(SealedSegment segment)
    {
        if (!IsOf(segment))
        {
            await DisposeAsync().ConfigureAwait(false);
            Begin(segment);
        }

        await _decoding.ConfigureAwait(false);
        return decoder.Output;
    }

    /// <summary>
    /// Begins with a segment that will be asked for next, unless another is being decoded; if it fails, it is tried again then.
    /// </summary>
    public void Begin(SealedSegment next)
    {
        if (!_decoding.IsCompleted || IsOf(next)) return;
        _segment = next;
        _decoding = Task.Run(() => damages.Add(decoder.Decode(next)));
    }

    /// <summary>Waits for what has begun.</summary>
    public async ValueTask DisposeAsync() => await _decoding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private bool IsOf(SealedSegment segment) => segment == _segment && !_decoding.IsFaulted;
}
