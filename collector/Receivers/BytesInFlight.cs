using System.Threading.RateLimiting;

namespace TraceStore.Collector.Receivers;

/// <summary>The memory that requests may take together.</summary>
internal sealed class BytesInFlight(OtlpGrpcOptions options) : IDisposable
{
    /// <summary>Permits are counted in KiB: a limiter's permits are an int. Each request takes some more than its bytes.</summary>
    private const int BytesPerPermit = 1 << 10;
    private const int PermitsPerRequest = 16;

    private readonly ConcurrencyLimiter _limiter = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = PermitsFor(options.MaxBytesInFlight),
        QueueLimit = PermitsFor(options.MaxBytesQueued),
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    /// <summary>Waits until there is room for a request that comes; null when too many wait already.</summary>
    public async ValueTask<RequestLease?> LeaseAsync(int bytes, CancellationToken cancellation)
    {
        int permits = Math.Min(PermitsPerRequest + PermitsFor(bytes), PermitsFor(options.MaxBytesInFlight)); // the largest comes alone
        RateLimitLease room = await _limiter.AcquireAsync(permits, cancellation).ConfigureAwait(false);
        if (room.IsAcquired) return new RequestLease(_limiter, room);
        room.Dispose();
        return null;
    }

    public void Dispose() => _limiter.Dispose();

    private static int PermitsFor(long bytes) => (int)Math.Min(int.MaxValue, bytes / BytesPerPermit);

    /// <summary>The room that one request takes, until it is answered.</summary>
    internal sealed class RequestLease(ConcurrencyLimiter limiter, RateLimitLease first) : IDisposable
    {
        private readonly List<RateLimitLease> _leases = [first];
        private int _unleased;

        /// <summary>Takes more room, for bytes that decompression has brought to light. False when there is none.</summary>
        public bool TryGrow(int bytes)
        {
            _unleased += bytes;
            if (PermitsFor(_unleased) is not (> 0 and var permits)) return true;
            RateLimitLease more = limiter.AttemptAcquire(permits);
            if (!more.IsAcquired) return false;
            _leases.Add(more);
            _unleased = 0;
            return true;
        }

        public void Dispose()
        {
            foreach (RateLimitLease lease in _leases) lease.Dispose();
        }
    }
}
