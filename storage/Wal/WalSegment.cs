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
    internal const int PageBytes = 4096;

    private const string Extension = ".wal";
    private const int NewestVersion = 4;
    private const int UnkeyedVersion = 1;
    private const int PagedVersion = 4;
    private const int ChecksumOffset = HeaderBytes - sizeof(uint);

    private static ReadOnlySpan<byte> Magic => "TSWL"u8;

    /// <summary>The format's version.</summary>
    public int Version { get; private init; } = NewestVersion;

    /// <summary>
    /// Keys the checksums of the segment's records, by what no client knows: so that nothing a client sends can be taken for
    /// a record when damage makes a reader look for the next one.
    /// </summary>
    internal uint ChecksumKey
    {
        get
        {
            if (Version == UnkeyedVersion) return Crc32C.Unkeyed;
            Span<byte> secret = stackalloc byte[2 * sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(secret, Wal);
            BinaryPrimitives.WriteUInt64LittleEndian(secret[sizeof(ulong)..], Number);
            return Crc32C.Of(secret);
        }
    }

    /// <summary>
    /// Where a write ends whose records do at so many bytes: it fills its last page with zeros, so that the next has pages of
    /// its own, and no page that holds something acknowledged is ever written again.
    /// </summary>
    internal long EndOfWrite(long bytes) => Version < PagedVersion ? bytes : (bytes + PageBytes - 1) / PageBytes * PageBytes;

    internal static string PathOf(string directory, ulong number) =>
        System.IO.Path.Combine(directory, number.ToString("D20", CultureInfo.InvariantCulture) + Extension);

    /// <summary>The number of the segment in a file, by its name.</summary>
    public static ulong NumberOf(string path) =>
        ulong.Parse(System.IO.Path.GetFileNameWithoutExtension(path), CultureInfo.InvariantCulture);

    /// <summary>The segment files of a folder, by number.</summary>
    internal static IEnumerable<string> FilesIn(string directory) =>
        Directory.EnumerateFiles(directory, "*" + Extension).Where(IsSegment).Order(StringComparer.Ordinal);

    /// <summary>Whether a file's name is a segment's; anything else in the folder is somebody's own.</summary>
    internal static bool IsSegment(string path) =>
        System.IO.Path.GetFileNameWithoutExtension(path.AsSpan()) is { Length: 20 } name && !name.ContainsAnyExceptInRange('0', '9') && path.EndsWith(Extension, StringComparison.Ordinal);

    internal byte[] EncodeHeader()
    {
        byte[] header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), NewestVersion);
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
        if (version is < UnkeyedVersion or > NewestVersion)
        {
            throw new NewerFormatException($"{path} has format version {version}; this TraceStore reads versions up to {NewestVersion}. Start the TraceStore that wrote it.");
        }

        return new WalSegment(
            path,
            Wal: BinaryPrimitives.ReadUInt64LittleEndian(header[8..]),
            Number: BinaryPrimitives.ReadUInt64LittleEndian(header[16..]),
            FirstSequence: BinaryPrimitives.ReadUInt64LittleEndian(header[24..]),
            CreateTimeUnixNano: BinaryPrimitives.ReadUInt64LittleEndian(header[32..])) { Version = version };
    }
}
