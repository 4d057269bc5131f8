using TraceStore.Storage.Spans;

namespace TraceStore.Storage.Wal;

/// <summary>A sealed segment without the zeros that fill its pages, which a reader takes just the same: as the archive keeps it.</summary>
public static class PackedSegment
{
    /// <summary>Adds a segment's file, packed; one in which something is damaged as it is.</summary>
    /// <param name="file">The file, of which nothing was written later than <paramref name="content"/> says.</param>
    /// <param name="content">What was read of it.</param>
    /// <param name="packed">Where to.</param>
    public static void Append(ReadOnlySpan<byte> file, WalSegmentContent content, ByteList packed)
    {
        bool isWhole = content.Corruptions.Count == 0 && content.UnreadableBytes == 0;
        if (isWhole) Append(file, content.Records, packed);
        else packed.Add(file[..checked((int)(content.ValidBytes + content.UnreadableBytes))]);
    }

    /// <summary>Adds a segment with some of its records.</summary>
    public static void Append(ReadOnlySpan<byte> file, IEnumerable<WalRecord> records, ByteList packed)
    {
        packed.Add(file[..WalSegment.HeaderBytes]);
        foreach (WalRecord record in records) packed.Add(record.Frame.Span);
    }

    /// <summary>Writes a segment into a log's folder, durably, but for the folder itself; one that is there already stays.</summary>
    public static void Write(string walDirectory, ulong number, ReadOnlySpan<byte> packed)
    {
        string path = WalSegment.PathOf(walDirectory, number);
        if (File.Exists(path)) return;
        using (var file = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
        {
            file.Write(packed);
            file.Flush();
            DirectorySync.SyncFile(file.SafeFileHandle);
        }

        File.Move(path + ".new", path);
    }
}
