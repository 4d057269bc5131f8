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

    private readonly uint[] _noted = new uint[1 << PlaceBits];

    /// <summary>Notes a string, and says whether it was noted before.</summary>
    public bool Note(ReadOnlySpan<byte> text)
    {
        ulong hash = XxHash3.HashToUInt64(text);
        ref uint place = ref _noted[hash >> (64 - PlaceBits)];
        uint mark = (uint)hash | 1; // 0 marks nothing
        bool wasNoted = place == mark;
        place = mark;
        return wasNoted;
    }

    public void Clear() => Array.Clear(_noted);
}
