using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TraceStore.Storage.Otlp;

/// <summary>The wire types of protobuf (Encoding, "Message Structure").</summary>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    StartGroup = 3,
    EndGroup = 4,
    Fixed32 = 5,
}

/// <summary>
/// Reads the fields of one protobuf message in place. A <c>Try</c> method that returns false has met bytes that are not
/// protobuf, at <see cref="Position"/>. Positions count from the start of the outermost buffer, so that an error deep
/// inside names an offset that its sender can look up.
/// </summary>
internal ref struct WireReader
{
    /// <summary>Groups (a deprecated encoding) nest no deeper than this; deeper ones are refused as malformed.</summary>
    private const int MaxGroupDepth = 32;

    private const int MaxVarintBytes = 10;

    private readonly ReadOnlySpan<byte> _buffer;
    private readonly int _end; // never beyond the buffer's
    private int _position;

    public WireReader(ReadOnlySpan<byte> message) : this(message, 0, message.Length)
    {
    }

    private WireReader(ReadOnlySpan<byte> buffer, int start, int end)
    {
        _buffer = buffer;
        _end = end;
        _position = start;
    }

    public readonly int Position => _position;

    public readonly bool AtEnd => _position == _end;

    /// <summary>The bytes between two positions of this reader: a whole field, tag included, or a run of them.</summary>
    public readonly ReadOnlySpan<byte> Raw(int from, int to) => _buffer[from..to];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadTag(out int field, out WireType type)
    {
        int start = _position;
        bool ok = TryReadVarint(out ulong tag);
        type = (WireType)(tag & 7);
        field = (int)(tag >> 3);
        if (ok && tag <= uint.MaxValue && field != 0 && type <= WireType.Fixed32) return true;
        _position = start;
        return false;
    }

    /// <summary>Reads a tag if it is this one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(int field, WireType type)
    {
        Debug.Assert(field < 16, "BUG: a tag of more than one byte");
        bool isNext = _position < _end && Next == ((field << 3) | (int)type);
        if (isNext) _position++;
        return isNext;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadVarint(out ulong value)
    {
        int left = _end - _position;
        ref byte next = ref Next;
        if (left > 0 && next < 0x80)
        {
            value = next;
            _position++;
            return true;
        }

        int length = ReadLongVarint(MemoryMarshal.CreateReadOnlySpan(ref next, left), out value);
        _position += length;
        return length > 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadFixed64(out ulong value)
    {
        bool ok = _end - _position >= sizeof(ulong);
        value = ok ? BinaryPrimitives.ReadUInt64LittleEndian(MemoryMarshal.CreateReadOnlySpan(ref Next, sizeof(ulong))) : 0;
        if (ok) _position += sizeof(ulong);
        return ok;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadFixed32(out uint value)
    {
        bool ok = _end - _position >= sizeof(uint);
        value = ok ? BinaryPrimitives.ReadUInt32LittleEndian(MemoryMarshal.CreateReadOnlySpan(ref Next, sizeof(uint))) : 0;
        if (ok) _position += sizeof(uint);
        return ok;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadBytes(out ReadOnlySpan<byte> value)
    {
        bool ok = TryReadLength(out int length);
        value = MemoryMarshal.CreateReadOnlySpan(ref Next, length);
        _position += length;
        return ok;
    }

    /// <summary>A reader over the message that stands here; this reader goes on behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadMessage(out WireReader message)
    {
        bool ok = TryReadLength(out int length);
        message = new WireReader(_buffer, _position, _position + length);
        _position += length;
        return ok;
    }

    public bool TrySkip(int field, WireType type) => TrySkip(field, type, MaxGroupDepth);

    private bool TrySkip(int field, WireType type, int depthLeft)
    {
        switch (type)
        {
            case WireType.Varint: return TryReadVarint(out _);
            case WireType.Fixed64: return TryReadFixed64(out _);
            case WireType.Fixed32: return TryReadFixed32(out _);
            case WireType.Bytes: return TryReadBytes(out _);
            case WireType.StartGroup when depthLeft > 0:
                while (TryReadTag(out int inner, out WireType innerType))
                {
                    if (innerType == WireType.EndGroup) return inner == field;
                    if (!TrySkip(inner, innerType, depthLeft - 1)) return false;
                }

                return false;
            default: return false;
        }
    }

    /// <summary>Where the next byte stands; it may be read while <see cref="AtEnd"/> is false.</summary>
    private readonly ref byte Next
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref Unsafe.Add(ref MemoryMarshal.GetReference(_buffer), _position);
    }

    /// <summary>Reads a length that stays within the message; 0 when it is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryReadLength(out int length)
    {
        int start = _position;
        if (TryReadVarint(out ulong value) && value <= (ulong)(_end - _position))
        {
            length = (int)value;
            return true;
        }

        _position = start;
        length = 0;
        return false;
    }

    /// <summary>Reads a varint of any length and returns its bytes; 0 when it is none.</summary>
    private static int ReadLongVarint(ReadOnlySpan<byte> bytes, out ulong value)
    {
        value = 0;
        for (int i = 0; i < bytes.Length && i < MaxVarintBytes; i++)
        {
            byte next = bytes[i];
            if (i == MaxVarintBytes - 1 && next > 1) break; // more than 64 bits
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80) return i + 1;
        }

        return 0;
    }
}
