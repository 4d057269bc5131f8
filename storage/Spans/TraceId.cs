using System.Buffers.Binary;
using System.Globalization;

namespace TraceStore.Storage.Spans;

/// <summary>A trace ID: 16 bytes, shown as 32 lower-case hex digits. All zero is no valid ID (W3C Trace Context, trace-id).</summary>
public readonly record struct TraceId(ulong High, ulong Low)
{
    /// <summary>Bytes of a trace ID on the wire and on disk.</summary>
    public const int Size = 16;

    /// <summary>Reads the 16 bytes of an ID, as they stand on the wire.</summary>
    public static TraceId Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    /// <summary>Writes the 16 bytes of the ID, as they stand on the wire.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Low);
    }

    /// <summary>
    /// Reads 1 to 32 hex digits of either case; fewer than 32 are padded on the left, because Tempo's search results
    /// strip leading zeros.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> hex, out TraceId id)
    {
        id = default;
        if (hex.Length is 0 or > 32) return false;

        Span<char> padded = stackalloc char[32];
        padded.Fill('0');
        hex.CopyTo(padded[(32 - hex.Length)..]);
        if (!ulong.TryParse(padded[..16], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong high)
            || !ulong.TryParse(padded[16..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong low))
        {
            return false;
        }

        id = new TraceId(high, low);
        return true;
    }

    public override string ToString() => $"{High:x16}{Low:x16}";
}
