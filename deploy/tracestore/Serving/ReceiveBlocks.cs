using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;

namespace TraceStore.Serving;

/// <summary>
/// Memory for all doors to receive into, in blocks much larger than Kestrel's own of 4 KiB: an export has hundreds of
/// kilobytes, and each block is a system call, and often a thread woken. The figure is in tests/Benchmarks/README.md.
/// </summary>
internal sealed class ReceiveBlocks : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    public const int BlockBytes = 16 << 10;

    /// <summary>Blocks that wait to be used again at most; it bounds what a burst leaves behind.</summary>
    private const int MaxWaiting = 2_048;

    private readonly ConcurrentQueue<Rented> _waiting = new();

    private ReceiveBlocks()
    {
    }

    public static ReceiveBlocks Common { get; } = new();

    public override int MaxBufferSize => BlockBytes;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        return _waiting.TryDequeue(out Rented? block) ? block : new Rented(this);
    }

    protected override void Dispose(bool disposing) => _waiting.Clear();

    /// <summary>Pinned, for the kernel writes into it.</summary>
    private sealed class Rented(ReceiveBlocks pool) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);

        public void Dispose()
        {
            if (pool._waiting.Count < MaxWaiting) pool._waiting.Enqueue(this);
        }
    }
}
