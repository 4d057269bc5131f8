using System.Buffers.Binary;
using System.Globalization;

namespace TraceStore.Storage.Wal;

/// <summary>A segment of the log: its file, and the header it starts with. The layout is drawn in FORMAT.md.</summary>
/// <param name="Path">The file.</param>
/// <param name="Wal">The identity of the log it belongs to.</param>
/// <param name="Number">Its number within that log, from 1.</param>
/// <param name="FirstSequence">The sequence of its first record.</param>
/// <param name="CreateTimeUnixNano">When it was created, nanoseconds since 1970.</param>
public sealed record WalSegment(string Path, ulong Wal, ulong Number, ulong FirstSequence, ulong CreateTimeUnixNano)
{
    internal const int HeaderBytes = 44;

    private const string Extension = ".wal";
    private const int Version = 1;
    private const int ChecksumOffset = HeaderBytes - sizeof(uint);

    private static ReadOnlySpan<byte> Magic => "TSWL"u8;

    internal static string PathOf(string directory, ulong number) =>
        System.IO.Path.Combine(directory, number.ToString("D20", CultureInfo.InvariantCulture) + Extension);

    /// <summary>The number of the segment in a file, by its name.</summary>
    public static ulong NumberOf(string path) =>
        ulong.Parse(System.IO.Path.GetFileNameWithoutExtension(path), CultureInfo.InvariantCulture);

    /// <summary>The segment files of a folder, by number.</summary>
    internal static IEnumerable<string> FilesIn(string directory) =>
        Directory.EnumerateFiles(directory, "*" + Extension).Order(StringComparer.Ordinal);

    internal byte[] EncodeHeader()
    {
        byte[] header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), Wal);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(16), Number);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(24), FirstSequence);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(32), CreateTimeUnixNano);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(ChecksumOffset), Crc32C.Of(header.AsSpan(0, ChecksumOffset)));
        return header;
    }

    /// <summary>Reads a header. Null when the file ends within it: the crash came before anything was acknowledged.</summary>
    /// <exception cref="InvalidDataException">The file is no segment, or one of a newer version.</exception>
    internal static WalSegment? DecodeHeader(string path, ReadOnlySpan<byte> header)
    {
        if (header.Length < HeaderBytes) return null;
        if (!header.StartsWith(Magic) || Crc32C.Of(header[..ChecksumOffset]) != BinaryPrimitives.ReadUInt32LittleEndian(header[ChecksumOffset..]))
        {
            throw new InvalidDataException($"{path} is not a segment of the write-ahead log: its header is damaged.");
        }

        int version = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        if (version != Version)
        {
            throw new InvalidDataException($"{path} has format version {version}; this TraceStore reads version {Version}. Start the TraceStore that wrote it.");
        }

        return new WalSegment(
            path,
            Wal: BinaryPrimitives.ReadUInt64LittleEndian(header[8..]),
            Number: BinaryPrimitives.ReadUInt64LittleEndian(header[16..]),
            FirstSequence: BinaryPrimitives.ReadUInt64LittleEndian(header[24..]),
            CreateTimeUnixNano: BinaryPrimitives.ReadUInt64LittleEndian(header[32..]));
    }
}
