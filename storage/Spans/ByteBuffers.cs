using System.Buffers;

namespace TraceStore.Storage.Spans;

/// <summary>
/// Buffers that are used and given back. Small ones are pooled. Large ones are not: a pool rounds them up to twice their
/// size, and holds as many as there ever were at once. Chunks, of which what is large is made where it may lie in pieces, are
/// pooled for as long as they are asked for. Any thread may call it.
/// </summary>
public static class ByteBuffers
{
    private const int MaxPooledBytes = 1 << 20;

    /// <summary>Of large buffers so much is let go before it is collected: the runtime itself would leave several times as much.</summary>
    private const long CollectAfterBytes = 96L << 20;

    public const int ChunkBytes = 1 << 20;

    /// <summary>Chunks that wait to be used again, at most.</summary>
    private const int MaxIdleChunks = 256;

    private static readonly Lock s_lock = new();
    private static readonly Stack<byte[]> s_idleChunks = [];
    private static int s_unasked; // of them, since it was last looked
    private static long s_letGo, s_uncollected;

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

    /// <summary>What was large and has become garbage, collected by now or not, since the process began.</summary>
    public static long LetGoBytes => Interlocked.Read(ref s_letGo);

    /// <summary>So much that was large, and not of this class, is garbage now.</summary>
    public static void NoteLetGo(long bytes)
    {
        if (bytes == 0) return;
        Interlocked.Add(ref s_letGo, bytes);
        if (Interlocked.Add(ref s_uncollected, bytes) < CollectAfterBytes || Interlocked.Exchange(ref s_uncollected, 0) < CollectAfterBytes) return;
        _ = Task.Run(static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false)); // some milliseconds: large buffers point at nothing
    }

    /// <summary>A buffer of <see cref="ChunkBytes"/>, whatever they hold.</summary>
    public static byte[] RentChunk()
    {
        lock (s_lock)
        {
            if (s_idleChunks.TryPop(out byte[]? chunk))
            {
                s_unasked = Math.Min(s_unasked, s_idleChunks.Count);
                return chunk;
            }
        }

        return GC.AllocateUninitializedArray<byte>(ChunkBytes);
    }

    /// <summary>Gives a chunk back; whoever had it no longer touches it.</summary>
    public static void ReturnChunk(byte[] chunk)
    {
        lock (s_lock)
        {
            if (s_idleChunks.Count < MaxIdleChunks)
            {
                s_idleChunks.Push(chunk);
                return;
            }
        }

        NoteLetGo(chunk.Length);
    }

    /// <summary>Lets go of the chunks that nobody has asked for since the last time.</summary>
    public static void LetUnaskedGo()
    {
        long bytes = 0;
        lock (s_lock)
        {
            for (; s_unasked > 0; s_unasked--) bytes += s_idleChunks.Pop().Length;
            s_unasked = s_idleChunks.Count;
        }

        NoteLetGo(bytes);
    }
}
