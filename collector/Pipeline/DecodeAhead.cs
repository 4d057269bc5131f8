using System.Diagnostics.Metrics;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>
/// Decodes segments, and the next one while the one before it is being stored. Two decoders, each with rows of its own, take
/// turns; a segment that is asked for again is not decoded again. For one caller at a time.
/// </summary>
internal sealed class DecodeAhead(Func<SegmentDecoder> newDecoder, Counter<long> damages) : IAsyncDisposable
{
    private Turn _now = new(newDecoder(), damages);
    private Turn _next = new(newDecoder(), damages);

    /// <summary>A segment's rows, valid until another segment is asked for.</summary>
    public Task<DecodedSegment> DecodeAsync(SealedSegment segment)
    {
        if (_next.IsOf(segment)) (_now, _next) = (_next, _now);
        return _now.DecodeAsync(segment);
    }

    /// <summary>
    /// Begins with a segment that will be asked for next, unless another is being decoded; if it fails, it is tried again then.
    /// </summary>
    public void Begin(SealedSegment next)
    {
        if (_next.IsIdle && !_now.IsOf(next)) _next.Begin(next);
    }

    /// <summary>Waits for what has begun.</summary>
    public async ValueTask DisposeAsync() => await _next.EndAsync().ConfigureAwait(false);

    private sealed class Turn(SegmentDecoder decoder, Counter<long> damages)
    {
        private SealedSegment? _segment;
        private Task _decoding = Task.CompletedTask;

        public bool IsIdle => _decoding.IsCompleted;

        public bool IsOf(SealedSegment segment) => segment == _segment && !_decoding.IsFaulted;

        public void Begin(SealedSegment segment)
        {
            if (IsOf(segment)) return;
            _segment = segment;
            _decoding = Task.Run(() => damages.Add(decoder.Decode(segment)));
        }

        public async Task<DecodedSegment> DecodeAsync(SealedSegment segment)
        {
            Begin(segment);
            await _decoding.ConfigureAwait(false);
            return decoder.Output;
        }

        public async Task EndAsync() => await _decoding.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
