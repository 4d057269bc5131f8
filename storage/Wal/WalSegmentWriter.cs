using Microsoft.Win32.SafeHandles;

namespace TraceStore.Storage.Wal;

/// <summary>Appends records to one segment. Used by one thread.</summary>
internal sealed class WalSegmentWriter : IDisposable
{
    private static readonly byte[] s_zeros = new byte[WalSegment.PageBytes];

    private readonly SafeFileHandle _file;

    /// <summary>Creates the segment's file and makes its name durable; its header comes with the first records.</summary>
    public WalSegmentWriter(WalSegment segment)
    {
        Segment = segment;
        _file = File.OpenHandle(segment.Path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        try
        {
            DirectorySync.Sync(Path.GetDirectoryName(segment.Path)!);
        }
        catch
        {
            _file.Dispose();
            File.Delete(segment.Path);
            throw;
        }
    }

    public WalSegment Segment { get; }

    /// <summary>Bytes written and synced, header and filling included.</summary>
    public long Bytes { get; private set; }

    /// <summary>
    /// Writes records behind each other, in pages of their own, and syncs them. When this throws, what it wrote is cut off
    /// again. Where even that fails, sinks don't read it: they stop at <see cref="Bytes"/>.
    /// </summary>
    public void Append(IReadOnlyList<ReadOnlyMemory<byte>> records)
    {
        ReadOnlyMemory<byte> header = Bytes == 0 ? Segment.EncodeHeader() : default;
        long recordsEnd = Bytes + header.Length + records.Sum(record => (long)record.Length);
        long end = Segment.EndOfWrite(recordsEnd);
        try
        {
            RandomAccess.Write(_file, [header, .. records, s_zeros.AsMemory(0, (int)(end - recordsEnd))], Bytes);
            DirectorySync.SyncFile(_file);
            Bytes = end;
        }
        catch (IOException)
        {
            TryCutOff();
            throw;
        }
    }

    public void Dispose() => _file.Dispose();

    private void TryCutOff()
    {
        try
        {
            RandomAccess.SetLength(_file, Bytes);
            DirectorySync.SyncFile(_file);
            if (Bytes == 0) File.Delete(Segment.Path);
        }
        catch (IOException)
        {
            // the disk refuses even this
        }
    }
}
