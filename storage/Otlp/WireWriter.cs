using System.Buffers.Binary;
using System.Numerics;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.Otlp;

/// <summary>
/// Writes protobuf fields, one after the other, into a growing run of bytes. Scalar fields are left out at their default
/// value, as proto3 has it.
/// </summary>
public sealed class WireWriter
{
    private readonly ByteList _bytes;

    /// <param name="capacity">How much is likely to be written.</param>
    public WireWriter(int capacity = 256) => _bytes = new ByteList(capacity);

    public int Length => _bytes.Length;

    public ReadOnlySpan<byte> Written => _bytes.All;

    public ReadOnlyMemory<byte> WrittenMemory => _bytes.Memory;

    public void Clear() => _bytes.Clear();

    /// <summary>Bytes that <paramref name="value"/> takes as a varint: 1 to 10.</summary>
    public static int VarintSize(ulong value) => (BitOperations.Log2(value | 1) / 7) + 1;

    /// <summary>Bytes that a length-delimited field takes, tag and length included.</summary>
    public static int BytesFieldSize(int field, int length) =>
        VarintSize((ulong)field << 3) + VarintSize((ulong)length) + length;

    /// <summary>Fields that are encoded already.</summary>
    public void Raw(ReadOnlySpan<byte> fields) => _bytes.Add(fields);

    /// <summary>The tag and length of a field whose <paramref name="length"/> bytes are written next.</summary>
    public void BytesHeader(int field, int length)
    {
        Tag(field, WireType.Bytes);
        RawVarint((ulong)length);
    }

    /// <summary>Begins a message whose length isn't known yet; the result goes to <see cref="EndMessage"/>.</summary>
    public int BeginMessage(int field)
    {
        Tag(field, WireType.Bytes);
        _bytes.Add(0); // most messages' lengths take one byte
        return _bytes.Length;
    }

    /// <summary>Ends a message: all that was written since it began is in it.</summary>
    public void EndMessage(int start)
    {
        ulong length = (ulong)(_bytes.Length - start);
        int size = VarintSize(length);
        _bytes.Insert(start, size - 1);
        Span<byte> prefix = _bytes.Written.Slice(start - 1, size);
        for (int i = 0; i < size - 1; i++, length >>= 7) prefix[i] = (byte)(length | 0x80);
        prefix[^1] = (byte)length;
    }

    /// <summary>A length-delimited field, written even when it is empty.</summary>
    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        BytesHeader(field, value.Length);
        _bytes.Add(value);
    }

    public void BytesUnlessEmpty(int field, ReadOnlySpan<byte> value)
    {
        if (!value.IsEmpty) Bytes(field, value);
    }

    public void Varint(int field, ulong value)
    {
        if (value != 0) VarintAlways(field, value);
    }

    /// <summary>A varint of a oneof, which says something even when it is zero.</summary>
    public void VarintAlways(int field, ulong value)
    {
        Tag(field, WireType.Varint);
        RawVarint(value);
    }

    public void Fixed64(int field, ulong value)
    {
        if (value != 0) Fixed64Always(field, value);
    }

    /// <summary>A fixed64 of a oneof, which says something even when it is zero.</summary>
    public void Fixed64Always(int field, ulong value)
    {
        Tag(field, WireType.Fixed64);
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.Extend(sizeof(ulong)), value);
    }

    public void Fixed32(int field, uint value)
    {
        if (value == 0) return;
        Tag(field, WireType.Fixed32);
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.Extend(sizeof(uint)), value);
    }

    private void Tag(int field, WireType type) => RawVarint(((ulong)field << 3) | (uint)type);

    private void RawVarint(ulong value)
    {
        while (value >= 0x80)
        {
            _bytes.Add((byte)(value | 0x80));
            value >>= 7;
        }

        _bytes.Add((byte)value);
    }
}
