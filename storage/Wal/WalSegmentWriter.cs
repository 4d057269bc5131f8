using Microsoft.Win32.SafeHandles;

namespace TraceStore.Storage.Wal;

/// <summary>Appends records to one segment. Used by one thread.</summary>
internal sealed class WalSegmentWriter : IDisposable
{
    private readonly SafeFileHandle _file;

    /// <summary>Creates the segment's file and makes its name durable; its header is so with the first records.</summary>
    public WalSegmentWriter(WalSegment segment)
    {
        Segment = segment;
        _file = File.OpenHandle(segment.Path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        try
        {
            RandomAccess.Write(_file, segment.EncodeHeader(), 0);
            DirectorySync.Sync(Path.GetDirectoryName(segment.Path)!);
        }
        catch
        {
            _file.Dispose();
            File.Delete(segment.Path);
            throw;
        }

        Bytes = WalSegment.HeaderBytes;
    }

    public WalSegment Segment { get; }

    /// <summary>Bytes written and synced, header included.</summary>
    public long Bytes { get; private set; }

    /// <summary>
    /// Writes records behind each other and syncs them. When this throws, what it wrote is cut off again. Where even that
    /// fails, sinks don't read it: they stop at <see cref="Bytes"/>.
    /// </summary>
    public void Append(IReadOnlyList<ReadOnlyMemory<byte>> records)
    {
        try
        {
            RandomAccess.Write(_file, records, Bytes);
            DirectorySync.SyncFile(_file);
            Bytes += records.Sum(record => (long)record.Length);
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
        }
        catch (IOException)
        {
            // the disk refuses even this
        }
    }
}
