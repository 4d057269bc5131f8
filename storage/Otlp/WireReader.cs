using System.Buffers.Binary;
using System.Runtime.CompilerServices;

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

    private readonly ReadOnlySpan<byte> _buffer;
    private readonly int _end;

    public WireReader(ReadOnlySpan<byte> message) : this(message, 0, message.Length)
    {
    }

    private WireReader(ReadOnlySpan<byte> buffer, int start, int end)
    {
        _buffer = buffer;
        _end = end;
        Position = start;
    }

    public int Position { get; private set; }

    public readonly bool AtEnd => Position == _end;

    /// <summary>The bytes between two positions of this reader: a whole field, tag included, or a run of them.</summary>
    public readonly ReadOnlySpan<byte> Raw(int from, int to) => _buffer[from..to];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadTag(out int field, out WireType type)
    {
        int start = Position;
        bool ok = TryReadVarint(out ulong tag);
        type = (WireType)(tag & 7);
        field = (int)(tag >> 3);
        if (ok && tag <= uint.MaxValue && field != 0 && type <= WireType.Fixed32) return true;
        Position = start;
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadVarint(out ulong value)
    {
        if (Position < _end && _buffer[Position] < 0x80)
        {
            value = _buffer[Position++];
            return true;
        }

        return TryReadLongVarint(out value);
    }

    public bool TryReadFixed64(out ulong value)
    {
        if (_end - Position < sizeof(ulong))
        {
            value = 0;
            return false;
        }

        value = BinaryPrimitives.ReadUInt64LittleEndian(_buffer[Position..]);
        Position += sizeof(ulong);
        return true;
    }

    public bool TryReadFixed32(out uint value)
    {
        if (_end - Position < sizeof(uint))
        {
            value = 0;
            return false;
        }

        value = BinaryPrimitives.ReadUInt32LittleEndian(_buffer[Position..]);
        Position += sizeof(uint);
        return true;
    }

    public bool TryReadBytes(out ReadOnlySpan<byte> value)
    {
        bool ok = TryReadLength(out int length);
        value = ok ? _buffer.Slice(Position, length) : default;
        Position += length;
        return ok;
    }

    /// <summary>A reader over the message that stands here; this reader goes on behind it.</summary>
    public bool TryReadMessage(out WireReader message)
    {
        bool ok = TryReadLength(out int length);
        message = ok ? new WireReader(_buffer, Position, Position + length) : default;
        Position += length;
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

    private bool TryReadLength(out int length)
    {
        int start = Position;
        if (TryReadVarint(out ulong value) && value <= (ulong)(_end - Position))
        {
            length = (int)value;
            return true;
        }

        Position = start;
        length = 0;
        return false;
    }

    private bool TryReadLongVarint(out ulong value)
    {
        value = 0;
        int position = Position;
        for (int shift = 0; shift < 70; shift += 7)
        {
            if (position == _end) return false;
            byte next = _buffer[position++];
            if (shift == 63 && next > 1) return false; // more than 64 bits
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                Position = position;
                return true;
            }
        }

        return false;
    }
}
