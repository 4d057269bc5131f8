using System.IO.Hashing;

namespace TraceStore.Storage.Spans;

/// <summary>
/// Gives each distinct byte string a number, counted from 0 in the order in which they come. Its memory is kept when it is
/// cleared.
/// </summary>
public sealed class ByteStringTable
{
    private const int MinSlots = 64;

    /// <summary>Nobody outside can make strings collide.</summary>
    private static readonly long s_seed = Random.Shared.NextInt64();

    private readonly BytesColumn _strings = new();
    private Slot[] _slots = new Slot[MinSlots]; // a power of two, at most half of it taken

    /// <summary>Distinct strings.</summary>
    public int Count => _strings.Count;

    /// <summary>Bytes of all of them.</summary>
    public long Bytes => _strings.Bytes;

    /// <summary>The string that has this number.</summary>
    public ReadOnlySpan<byte> this[int number] => _strings[number];

    /// <summary>The string's number; one not seen before gets the next.</summary>
    public uint NumberOf(ReadOnlySpan<byte> value) => NumberOf(value, out _);

    /// <summary>The string's number, and whether it is a new one.</summary>
    public uint NumberOf(ReadOnlySpan<byte> value, out bool isNew)
    {
        uint hash = HashOf(value);
        Slot[] slots = _slots;
        for (uint i = hash; ; i++)
        {
            ref Slot slot = ref slots[i & (uint)(slots.Length - 1)];
            isNew = slot.Taken == 0;
            if (isNew) return Add(value, hash, ref slot);
            if (slot.Hash == hash && _strings[slot.Taken - 1].SequenceEqual(value)) return (uint)(slot.Taken - 1);
        }
    }

    /// <summary>The string's number, if it has one.</summary>
    public bool TryFind(ReadOnlySpan<byte> value, out uint number)
    {
        uint hash = HashOf(value);
        Slot[] slots = _slots;
        for (uint i = hash; ; i++)
        {
            ref Slot slot = ref slots[i & (uint)(slots.Length - 1)];
            number = (uint)(slot.Taken - 1);
            if (slot.Taken == 0) return false;
            if (slot.Hash == hash && _strings[slot.Taken - 1].SequenceEqual(value)) return true;
        }
    }

    public void Clear()
    {
        if (_slots.Length > 4 * MinSlots && _slots.Length > 8 * Count) _slots = new Slot[MinSlots]; // clearing costs its size each time
        else Array.Clear(_slots);
        _strings.Clear();
    }

    private static uint HashOf(ReadOnlySpan<byte> value) => unchecked((uint)XxHash3.HashToUInt64(value, s_seed));

    private uint Add(ReadOnlySpan<byte> value, uint hash, ref Slot slot)
    {
        _strings.Add(value);
        slot = new Slot { Hash = hash, Taken = _strings.Count };
        if (_strings.Count * 2 > _slots.Length) Grow();
        return (uint)(_strings.Count - 1);
    }

    private void Grow()
    {
        var slots = new Slot[_slots.Length * 2];
        foreach (Slot slot in _slots)
        {
            if (slot.Taken == 0) continue;
            uint i = slot.Hash;
            while (slots[i & (uint)(slots.Length - 1)].Taken != 0) i++;
            slots[i & (uint)(slots.Length - 1)] = slot;
        }

        _slots = slots;
    }

    /// <summary>A string's place. <see cref="Taken"/> is its number plus one, or 0 where there is none.</summary>
    private struct Slot
    {
        public uint Hash;
        public int Taken;
    }
}
