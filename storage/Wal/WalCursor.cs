using System.Buffers.Binary;

namespace TraceStore.Storage.Wal;

/// <summary>How far one sink has followed the log, durably. The layout is drawn in FORMAT.md. Used by one thread at a time.</summary>
public sealed class WalCursor
{
    private const string Extension = ".cursor";
    private const int Version = 1;
    private const int FileBytes = 28;
    private const int ChecksumOffset = FileBytes - sizeof(uint);

    private readonly string _path;
    private readonly ulong _wal;

    private WalCursor(string path, ulong wal, ulong position)
    {
        _path = path;
        _wal = wal;
        Position = position;
    }

    /// <summary>The last segment that the sink holds durably; 0 when it holds none.</summary>
    public ulong Position { get; private set; }

    private static ReadOnlySpan<byte> Magic => "TSCU"u8;

    /// <summary>
    /// Opens a sink's cursor. One that isn't there, is damaged or belongs to another log starts at 0: the sink looks at
    /// every segment again and finds what it has.
    /// </summary>
    public static WalCursor Open(string directory, string sink, ulong wal)
    {
        string path = Path.Combine(directory, sink + Extension);
        return new WalCursor(path, wal, File.Exists(path) ? PositionIn(path, wal) : 0);
    }

    /// <summary>The furthest position of any sink's cursor on a log.</summary>
    internal static ulong HighestIn(string directory, ulong wal) =>
        Directory.EnumerateFiles(directory, "*" + Extension).Select(path => PositionIn(path, wal)).DefaultIfEmpty().Max();

    /// <summary>Moves on to a segment, durably.</summary>
    public void Advance(ulong segment)
    {
        byte[] file = new byte[FileBytes];
        Magic.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(8), _wal);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(16), segment);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(ChecksumOffset), Crc32C.Of(file.AsSpan(0, ChecksumOffset)));

        string temporary = _path + ".new";
        using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            stream.Write(file);
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, _path, overwrite: true);
        DirectorySync.Sync(Path.GetDirectoryName(_path)!);
        Position = segment;
    }

    private static ulong PositionIn(string path, ulong wal)
    {
        ReadOnlySpan<byte> file = File.ReadAllBytes(path);
        bool isOurs = file.Length == FileBytes
            && file.StartsWith(Magic)
            && BinaryPrimitives.ReadInt32LittleEndian(file[4..]) == Version
            && BinaryPrimitives.ReadUInt64LittleEndian(file[8..]) == wal
            && BinaryPrimitives.ReadUInt32LittleEndian(file[ChecksumOffset..]) == Crc32C.Of(file[..ChecksumOffset]);
        return isOurs ? BinaryPrimitives.ReadUInt64LittleEndian(file[16..]) : 0;
    }
}
