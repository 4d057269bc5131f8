using System.Buffers;

namespace TraceStore.Storage.Spans;

/// <summary>
/// Buffers that are used once and given back. Small ones are pooled. Large ones are not: a pool rounds them up to twice their
/// size, and holds as many as there ever were at once.
/// </summary>
public static class ByteBuffers
{
    private const int MaxPooledBytes = 1 << 20;

    /// <summary>A buffer of at least so many bytes, whatever they hold; a large one has exactly as many.</summary>
    public static byte[] Rent(int bytes) =>
        bytes <= MaxPooledBytes ? ArrayPool<byte>.Shared.Rent(bytes) : GC.AllocateUninitializedArray<byte>(bytes);

    /// <summary>Gives a buffer back; whoever had it no longer touches it.</summary>
    public static void Return(byte[] buffer)
    {
        if (buffer.Length is > 0 and <= MaxPooledBytes) ArrayPool<byte>.Shared.Return(buffer);
    }
}
