using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// The attribute keys met so far in one message. It remembers hashes only: a collision sends an attribute to the
/// remainder, where it is kept just as well.
/// </summary>
internal sealed class KeySet
{
    /// <summary>Up to here a linear search is quicker than a hash set, and most messages have fewer keys.</summary>
    private const int MaxLinear = 64;

    private static readonly long s_seed = Random.Shared.NextInt64(); // nobody outside can make hashes collide

    private readonly List<ulong> _few = [];
    private HashSet<ulong> _many = [];

    public void Clear()
    {
        _few.Clear();
        if (_many.Count > 0) _many = []; // clearing would cost its largest size every time
    }

    /// <summary>True when the key wasn't there yet.</summary>
    public bool Add(ReadOnlySpan<byte> key)
    {
        ulong hash = XxHash3.HashToUInt64(key, s_seed);
        if (CollectionsMarshal.AsSpan(_few).Contains(hash)) return false;
        if (_few.Count == MaxLinear) return _many.Add(hash);
        _few.Add(hash);
        return true;
    }
}
