using System.Runtime.InteropServices;
using TraceStore.Storage.Spans;

namespace TraceStore.Serving;

/// <summary>
/// Gives memory back to the system after a burst. The runtime keeps what it once needed until it collects next, which may
/// be never where little is allocated.
/// </summary>
internal sealed class MemoryReturn : IDisposable
{
    /// <summary>How often to look.</summary>
    private static readonly TimeSpan s_period = TimeSpan.FromSeconds(15);

    /// <summary>Worth a collection: so much held on top of the least that was held since the last one here.</summary>
    private const long WorthBytes = 64L << 20;

    /// <summary>Worth one too: so much let go since, in large buffers, which may have been in use then.</summary>
    private const long WorthLetGoBytes = 16L << 20;

    /// <summary>
    /// glibc's malloc_trim: gives back what native code has freed, above all the compiler, which is busy when the process is
    /// young. Other C libraries need no asking.
    /// </summary>
    private static readonly unsafe delegate* unmanaged<nuint, int> s_trim =
        NativeLibrary.TryLoad("libc.so.6", out nint libc) && NativeLibrary.TryGetExport(libc, "malloc_trim", out nint trim) ? (delegate* unmanaged<nuint, int>)trim : null;

    private readonly ITimer _timer;
    private long _allocatedBefore;
    private long _heldBefore = Environment.WorkingSet;
    private long _letGoBefore;

    public MemoryReturn(TimeProvider time) => _timer = time.CreateTimer(_ => Look(), null, s_period, s_period);

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        ByteBuffers.LetUnaskedGo();
        long allocated = GC.GetTotalAllocatedBytes();
        bool isQuiet = allocated - _allocatedBefore < WorthBytes;
        _allocatedBefore = allocated;
        if (isQuiet) TrimNative();
        _heldBefore = Math.Min(_heldBefore, Environment.WorkingSet);
        bool isWorth = Environment.WorkingSet - _heldBefore >= WorthBytes || ByteBuffers.LetGoBytes - _letGoBefore >= WorthLetGoBytes;
        if (!isQuiet || !isWorth) return;
        _letGoBefore = ByteBuffers.LetGoBytes;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        _heldBefore = Environment.WorkingSet;
    }

    private static unsafe void TrimNative()
    {
        if (s_trim is not null) _ = s_trim(0);
    }
}
