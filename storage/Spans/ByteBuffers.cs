using System.Buffers;

namespace TraceStore.Storage.Spans;

/// <summary>
/// Buffers that are used once and given back. Small ones are pooled. Large ones are not: a pool rounds them up to twice their
/// size, and holds as many as there ever were at once.
/// </summary>
public static class ByteBuffers
{
    private const int MaxPooledBytes = 1 << 20;

    /// <summary>Of large buffers so much is let go before it is collected: the runtime itself would leave several times as much.</summary>
    private const long CollectAfterBytes = 96L << 20;

    private static long s_letGo;

    /// <summary>A buffer of at least so many bytes, whatever they hold; a large one has exactly as many.</summary>
    public static byte[] Rent(int bytes) =>
        bytes <= MaxPooledBytes ? ArrayPool<byte>.Shared.Rent(bytes) : GC.AllocateUninitializedArray<byte>(bytes);

    /// <summary>Gives a buffer back; whoever had it no longer touches it.</summary>
    public static void Return(byte[] buffer)
    {
        if (buffer.Length == 0) return;
        if (buffer.Length <= MaxPooledBytes) ArrayPool<byte>.Shared.Return(buffer);
        else NoteLetGo(buffer.Length);
    }

    /// <summary>So much that was large, and not of this class, is garbage now.</summary>
    public static void NoteLetGo(long bytes)
    {
        if (Interlocked.Add(ref s_letGo, bytes) < CollectAfterBytes || Interlocked.Exchange(ref s_letGo, 0) < CollectAfterBytes) return;
        _ = Task.Run(static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false));
    }
}
