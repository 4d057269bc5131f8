using System.Threading.RateLimiting;

namespace TraceStore.Collector.Pipeline;

/// <summary>What each client may still send: a bucket of bytes for each, refilled at the rate, as large as a request may be.</summary>
internal sealed class ClientRates : IDisposable
{
    /// <summary>Permits are counted in KiB: a limiter's permits are an int.</summary>
    private const int BytesPerPermit = 1 << 10;

    private static readonly TimeSpan s_refill = TimeSpan.FromSeconds(1);

    private readonly PartitionedRateLimiter<string>? _limiter;
    private readonly int _bucket;

    /// <param name="bytesPerSecond">The rate; 0 for no bound.</param>
    /// <param name="maxRequestBytes">The largest request.</param>
    public ClientRates(long bytesPerSecond, int maxRequestBytes)
    {
        if (bytesPerSecond == 0) return;
        _bucket = (int)Math.Min(int.MaxValue, Math.Max(bytesPerSecond, maxRequestBytes) / BytesPerPermit);
        int refill = (int)Math.Clamp(bytesPerSecond / BytesPerPermit, 1, int.MaxValue);
        _limiter = PartitionedRateLimiter.Create<string, string>(client => RateLimitPartition.GetTokenBucketLimiter(client, _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = _bucket,
            TokensPerPeriod = refill,
            ReplenishmentPeriod = s_refill,
        }));
    }

    /// <summary>Takes a request's bytes from its client's bucket. Where there aren't so many, says when there will be.</summary>
    public bool TryTake(string client, int bytes, out TimeSpan retryAfter)
    {
        retryAfter = default;
        if (_limiter is null) return true;
        using RateLimitLease lease = _limiter.AttemptAcquire(client, Math.Min(_bucket, (bytes / BytesPerPermit) + 1));
        if (!lease.IsAcquired) lease.TryGetMetadata(MetadataName.RetryAfter, out retryAfter);
        return lease.IsAcquired;
    }

    /// <summary>Whether a client's bucket has something left.</summary>
    public bool HasRoom(string client)
    {
        if (_limiter is null) return true;
        using RateLimitLease lease = _limiter.AttemptAcquire(client, 0);
        return lease.IsAcquired;
    }

    /// <summary>Takes bytes that have come already, as far as the bucket has any.</summary>
    public void Take(string client, long bytes)
    {
        if (_limiter?.GetStatistics(client) is not { CurrentAvailablePermits: > 0 and var left }) return;
        using RateLimitLease lease = _limiter.AttemptAcquire(client, (int)Math.Min(left, (bytes / BytesPerPermit) + 1));
    }

    public void Dispose() => _limiter?.Dispose();
}
