using System.IO.Hashing;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Tells strings that come again soon from those that come once, such as IDs. It remembers hashes of what it saw lately,
/// each until another takes its place. What it answers depends on nothing but the strings since it was cleared: a segment
/// that is decoded again gives the same block.
/// </summary>
internal sealed class Recurrence
{
    private const int PlaceBits = 16;

    private readonly uint[] _seen = new uint[1 << PlaceBits];

    /// <summary>Whether it was seen before; from now on it was.</summary>
    public bool IsSeenAgain(ReadOnlySpan<byte> text)
    {
        ulong hash = XxHash3.HashToUInt64(text);
        ref uint place = ref _seen[hash >> (64 - PlaceBits)];
        uint mark = (uint)hash | 1; // 0 marks nothing
        bool isSeen = place == mark;
        place = mark;
        return isSeen;
    }

    public void Clear() => Array.Clear(_seen);
}
