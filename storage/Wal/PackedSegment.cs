using System.Buffers.Binary;
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
        file = file[..checked((int)(content.ValidBytes + content.UnreadableBytes))];
        if (content.Corruptions.Count > 0 || content.UnreadableBytes > 0)
        {
            packed.Add(file);
            return;
        }

        packed.Add(file[..WalSegment.HeaderBytes]);
        int position = WalSegment.HeaderBytes;
        for (int record = 0; record < content.Records.Count;)
        {
            int envelope = BinaryPrimitives.ReadInt32LittleEndian(file[position..]);
            if (envelope == 0) // no record's: the rest of the page is filling
            {
                position = (int)content.Segment.EndOfWrite(position);
                continue;
            }

            packed.Add(file.Slice(position, WalRecord.FrameBytes + envelope));
            position += WalRecord.FrameBytes + envelope;
            record++;
        }
    }
}
