using Microsoft.Win32.SafeHandles;

namespace TraceStore.Storage.Wal;

/// <summary>Appends records to one segment. Used by one thread.</summary>
internal sealed class WalSegmentWriter : IDisposable
{
    private readonly SafeFileHandle _file;

    /// <summary>Creates the segment's file and makes its name durable.</summary>
    public WalSegmentWriter(WalSegment segment)
    {
        Segment = segment;
        _file = File.OpenHandle(segment.Path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        RandomAccess.Write(_file, segment.EncodeHeader(), 0);
        Bytes = WalSegment.HeaderBytes;
        DirectorySync.Sync(Path.GetDirectoryName(segment.Path)!);
    }

    public WalSegment Segment { get; }

    /// <summary>Bytes written and synced, header included.</summary>
    public long Bytes { get; private set; }

    /// <summary>
    /// Writes records behind each other and syncs them. When this throws, none of them is in the segment: what a failed
    /// write left is cut off, or, where even that fails, is a torn tail that readers drop.
    /// </summary>
    public void Append(IReadOnlyList<ReadOnlyMemory<byte>> records)
    {
        try
        {
            RandomAccess.Write(_file, records, Bytes);
            RandomAccess.FlushToDisk(_file);
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
        }
        catch (IOException)
        {
            // The disk refuses even this; the tail fails its checksum or is a resend's twin, and both are dropped later.
        }
    }
}
