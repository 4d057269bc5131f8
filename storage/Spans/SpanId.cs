using System.Buffers.Binary;

namespace TraceStore.Storage.Spans;

/// <summary>A span ID: 8 bytes, shown as 16 lower-case hex digits. All zero means "none" (W3C Trace Context, parent-id).</summary>
public readonly record struct SpanId(ulong Value)
{
    /// <summary>Bytes of a span ID on the wire and on disk.</summary>
    public const int Size = 8;

    /// <summary>True for the all-zero ID: the parent of a root span.</summary>
    public bool IsNone => Value == 0;

    /// <summary>Reads the 8 bytes of an ID, as they stand on the wire.</summary>
    public static SpanId Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt64BigEndian(bytes));

    public override string ToString() => $"{Value:x16}";
}
