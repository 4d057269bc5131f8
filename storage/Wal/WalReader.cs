using System.Buffers.Binary;

namespace TraceStore.Storage.Wal;

/// <summary>What a segment file holds.</summary>
/// <param name="Segment">Its header.</param>
/// <param name="Records">Its readable records, in order.</param>
/// <param name="Corruptions">Records that failed their checksum with others behind them.</param>
/// <param name="ValidBytes">Where the last whole record ends.</param>
/// <param name="UnreadableBytes">
/// What lies behind it: in the newest segment a torn tail; in one whose tail was cut already, damage.
/// </param>
public sealed record WalSegmentContent(
    WalSegment Segment, IReadOnlyList<WalRecord> Records, IReadOnlyList<WalCorruption> Corruptions, long ValidBytes, long UnreadableBytes);

/// <summary>A record that can't be read, though it isn't the tail.</summary>
/// <param name="Offset">Bytes from the start of the segment file.</param>
/// <param name="Length">Bytes of the record, frame included.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record WalCorruption(long Offset, int Length, string Reason);

/// <summary>Reads whole segments. Reading never changes a file.</summary>
public static class WalReader
{
    /// <summary>Reads a segment; null when the file ends within its header.</summary>
    /// <exception cref="InvalidDataException">The file is no segment that this version reads.</exception>
    public static WalSegmentContent? Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        if (WalSegment.DecodeHeader(path, file) is not { } segment) return null;

        List<WalRecord> records = [];
        List<WalCorruption> corruptions = [];
        int position = WalSegment.HeaderBytes;
        while (TryReadFrame(file, position, out int length, out bool isIntact))
        {
            int next = position + WalRecord.FrameBytes + length;
            if (!isIntact && next == file.Length) break; // the last write was torn within its bytes
            if (!isIntact) corruptions.Add(new WalCorruption(position, next - position, "the checksum is wrong"));
            else if (Decode(file, position, length, corruptions) is { } record) records.Add(record);
            position = next;
        }

        return new WalSegmentContent(segment, records, corruptions, position, file.Length - position);
    }

    private static bool TryReadFrame(ReadOnlySpan<byte> file, int position, out int length, out bool isIntact)
    {
        length = 0;
        isIntact = false;
        if (file.Length - position < WalRecord.FrameBytes) return false;

        ReadOnlySpan<byte> frame = file[position..];
        length = BinaryPrimitives.ReadInt32LittleEndian(frame);
        if (length is <= 0 or > WalRecord.MaxEnvelopeBytes || length > frame.Length - WalRecord.FrameBytes) return false;

        uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(frame[sizeof(uint)..]);
        isIntact = Crc32C.Of(frame[..sizeof(uint)], frame.Slice(WalRecord.FrameBytes, length)) == checksum;
        return true;
    }

    private static WalRecord? Decode(byte[] file, int position, int length, List<WalCorruption> corruptions)
    {
        try
        {
            return WalRecord.Decode(file.AsMemory(position + WalRecord.FrameBytes, length));
        }
        catch (InvalidDataException e)
        {
            corruptions.Add(new WalCorruption(position, length + WalRecord.FrameBytes, e.Message));
            return null;
        }
    }
}
