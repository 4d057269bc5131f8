using System.Numerics;
using System.Runtime.InteropServices;

namespace TraceStore.Storage.Wal;

/// <summary>CRC-32C (Castagnoli, RFC 3720 appendix B.4), by the processor's instruction where it has one.</summary>
internal static class Crc32C
{
    /// <summary>Where a checksum starts that isn't keyed.</summary>
    public const uint Unkeyed = uint.MaxValue;

    /// <summary>The checksum of the parts, one after the other; with a key, only who knows it can make one that is right.</summary>
    public static uint Of(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second = default, uint key = Unkeyed) =>
        ~Append(Append(key, first), second);

    private static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words) crc = BitOperations.Crc32C(crc, word);
        foreach (byte rest in bytes[(words.Length * sizeof(ulong))..]) crc = BitOperations.Crc32C(crc, rest);
        return crc;
    }
}
