namespace TraceStore.Serving;

/// <summary>
/// Gives memory back to the system after a burst. The runtime keeps what it once needed until it collects next, which may
/// be never where little is allocated.
/// </summary>
internal sealed class MemoryReturn : IDisposable
{
    /// <summary>How often to look.</summary>
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(15);

    /// <summary>What is held on top of what lives is worth a collection from this much on.</summary>
    private const long WorthBytes = 96L << 20;

    private readonly ITimer _timer;
    private long _allocatedBefore;

    public MemoryReturn(TimeProvider time) => _timer = time.CreateTimer(_ => Look(), null, s_period, s_period);

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        long allocated = GC.GetTotalAllocatedBytes();
        bool isQuiet = allocated - _allocatedBefore < WorthBytes;
        _allocatedBefore = allocated;
        GCMemoryInfo last = GC.GetGCMemoryInfo(GCKind.Any);
        if (isQuiet && last.TotalCommittedBytes - LivingBytes() > WorthBytes) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>What the last full collection left, which is about what lives.</summary>
    private static long LivingBytes() => GC.GetGCMemoryInfo(GCKind.FullBlocking) is { Index: > 0 } full ? full.HeapSizeBytes : 0;
}
