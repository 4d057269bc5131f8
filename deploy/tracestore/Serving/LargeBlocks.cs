using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace TraceStore.Serving;

/// <summary>
/// Memory for Kestrel to receive into, in blocks much larger than its own of 4 KiB: OTLP's requests have hundreds, and each
/// block is a system call, and often a thread woken. The figure is in tests/Benchmarks/README.md.
/// </summary>
internal sealed class LargeBlocks : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    private const int BlockBytes = 64 << 10;

    public override int MaxBufferSize => Shared.MaxBufferSize;

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(minBufferSize, BlockBytes));

    protected override void Dispose(bool disposing)
    {
        // the blocks are the shared pool's
    }
}
