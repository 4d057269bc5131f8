namespace TraceStore.Collector.Receivers;

/// <summary>
/// The memory that requests may take together. It is taken as bytes come in, not as they are announced, so that who says
/// much and sends nothing takes nothing.
/// </summary>
internal sealed class BytesInFlight(OtlpOptions options)
{
    /// <summary>What any request takes, however small: a block to be received in, and one to be answered from.</summary>
    private const int BytesPerRequest = 2 * ReceiveBlocks.BlockBytes;

    /// <summary>Why a request isn't taken when there is no room for it.</summary>
    public const string UsedUp = "Too many exports at once: the memory for them is used up (Otlp:MaxBytesInFlight).";

    private long _taken;

    /// <summary>When there may be room again.</summary>
    public static TimeSpan RetryAfter => TimeSpan.FromSeconds(1);

    /// <summary>Takes room for a request that begins; null when there is none.</summary>
    public RequestLease? TryLease()
    {
        var lease = new RequestLease(this);
        return lease.TryGrow(BytesPerRequest) ? lease : null;
    }

    private bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= options.MaxBytesInFlight) return true;
        Interlocked.Add(ref _taken, -bytes);
        return false;
    }

    /// <summary>The room that one request takes, until it is answered. Used by one thread at a time.</summary>
    internal sealed class RequestLease(BytesInFlight owner) : IDisposable
    {
        private long _bytes;

        /// <summary>Takes more room, for bytes that came in or that decompression brought to light. False when there is none.</summary>
        public bool TryGrow(long bytes)
        {
            if (!owner.TryTake(bytes)) return false;
            _bytes += bytes;
            return true;
        }

        public void Dispose()
        {
            Interlocked.Add(ref owner._taken, -_bytes);
            _bytes = 0;
        }
    }
}
