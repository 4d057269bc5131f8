using System.Buffers.Binary;
using System.IO.Hashing;

namespace TraceStore.Collector.Receivers;

/// <summary>
/// Tells whether a compressed file was read to its end. The runtime's streams stop behind the last part that they know, and
/// don't say what is left; but what a part ends with is a checksum of what it held.
/// </summary>
internal static class Checksums
{
    /// <summary>Whether a gzip file ends with its last member (RFC 1952, section 2.3: CRC32, ISIZE).</summary>
    /// <param name="file">The file, of which the runtime has taken the members.</param>
    /// <param name="content">What all members held.</param>
    public static bool EndsGzip(ReadOnlySpan<byte> file, ReadOnlySpan<byte> content)
    {
        const int trailerBytes = 8, emptyMemberBytes = 20;
        if (file.Length < emptyMemberBytes) return false;
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(file[^trailerBytes..]);
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(file[^(trailerBytes / 2)..]);
        if (size == 0 && content.Length > 0) return file[^emptyMemberBytes..].StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B, 0x08]); // zeros, too, are the checksum of nothing
        return size <= content.Length && Crc32.HashToUInt32(content[^(int)size..]) == crc;
    }

    /// <summary>Whether a zlib file is one stream and nothing else (RFC 1950, section 2.2: ADLER32).</summary>
    public static bool EndsZlib(ReadOnlySpan<byte> file, ReadOnlySpan<byte> content) =>
        file.Length >= sizeof(uint) && Adler32(content) == BinaryPrimitives.ReadUInt32BigEndian(file[^sizeof(uint)..]);

    private static uint Adler32(ReadOnlySpan<byte> content)
    {
        const uint modulus = 65_521;
        const int most = 5_552; // so many bytes don't overflow the sums
        uint low = 1, high = 0;
        while (!content.IsEmpty)
        {
            foreach (byte next in content[..Math.Min(most, content.Length)])
            {
                low += next;
                high += low;
            }

            (low, high) = (low % modulus, high % modulus);
            content = content[Math.Min(most, content.Length)..];
        }

        return (high << 16) | low;
    }
}
