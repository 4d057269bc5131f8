using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.Wal;

/// <summary>What a segment file holds. Its records lie where it was read into.</summary>
/// <param name="Segment">Its header.</param>
/// <param name="Records">Its readable records, in order.</param>
/// <param name="Corruptions">What can't be read though readable records lie behind it.</param>
/// <param name="ValidBytes">Where the last readable record ends, and what fills its page.</param>
/// <param name="UnreadableBytes">
/// What lies behind it: in the newest segment a torn tail; in one whose tail was cut already, damage.
/// </param>
public sealed record WalSegmentContent(
    WalSegment Segment, IReadOnlyList<WalRecord> Records, IReadOnlyList<WalCorruption> Corruptions, long ValidBytes, long UnreadableBytes)
{
    /// <summary>The day on which its first record was received, UTC, on which all of it is stored; only where there is one.</summary>
    public DateOnly ReceivedDay => DateOnly.FromDateTime(DateTime.UnixEpoch.AddTicks((long)(Records[0].ReceiveTimeUnixNano / TimeSpan.NanosecondsPerTick)));
}

/// <summary>A stretch of a segment that isn't a record, though it isn't the tail.</summary>
/// <param name="Offset">Bytes from the start of the segment file.</param>
/// <param name="Length">Bytes up to the next readable record.</param>
/// <param name="Reason">What is wrong with it.</param>
public sealed record WalCorruption(long Offset, int Length, string Reason);

/// <summary>
/// Reads whole segments. Reading never changes a file. A record is known by its checksum, so whatever is damaged, even a
/// length, reading goes on at the next record that has a right one.
/// </summary>
public static class WalReader
{
    /// <summary>Bytes of damage in a row are summed up at most so often, so that no bytes make reading take for ever.</summary>
    private const int MaxSearchEffort = 64;

    /// <summary>Reads a segment; null when the file ends within its header.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="bytes">How much of the file counts; what lies behind was never acknowledged.</param>
    /// <exception cref="InvalidDataException">The file is no segment that this version reads.</exception>
    public static WalSegmentContent? Read(string path, long bytes = long.MaxValue) => Read(path, new ByteList(0), bytes);

    /// <inheritdoc cref="Read(string, long)"/>
    /// <param name="path">Its file.</param>
    /// <param name="file">Where to read it into; the records lie there, until it is used anew.</param>
    /// <param name="bytes">How much of the file counts.</param>
    public static WalSegmentContent? Read(string path, ByteList file, long bytes)
    {
        int length = ReadFile(path, file, bytes);
        return Parse(path, file.Memory[..length]);
    }

    /// <summary>Reads a segment whose file is in memory.</summary>
    internal static WalSegmentContent? Parse(string path, ReadOnlyMemory<byte> file)
    {
        if (WalSegment.DecodeHeader(path, file.Span) is not { } segment) return null;

        List<WalRecord> records = [];
        List<WalCorruption> corruptions = [];
        int position = WalSegment.HeaderBytes;
        while (true)
        {
            ulong newest = records.Count > 0 ? records[^1].Sequence : segment.FirstSequence - 1;
            int start = FindRecord(file.Span, position, newest, segment.ChecksumKey, out int length);
            if (start < 0) break;
            bool isNext = SequenceAt(file.Span, start) == newest + 1;
            int damaged = start > position && isNext ? BehindFilling(file.Span, position, segment) : position;
            if (start > damaged) corruptions.Add(new WalCorruption(damaged, start - damaged, "no record with a right checksum begins there"));
            position = start + WalRecord.FrameBytes + length;
            if (Decode(file, start, length, corruptions) is { } record) records.Add(record);
        }

        int valid = BehindFilling(file.Span, position, segment);
        return new WalSegmentContent(segment, records, corruptions, valid, file.Length - valid);
    }

    /// <summary>Returns how much was there.</summary>
    private static int ReadFile(string path, ByteList file, long bytes)
    {
        using SafeFileHandle handle = File.OpenHandle(path, options: FileOptions.SequentialScan);
        file.Clear();
        Span<byte> buffer = file.Extend(checked((int)Math.Min(RandomAccess.GetLength(handle), bytes)));
        for (int position = 0; position < buffer.Length;)
        {
            int read = RandomAccess.Read(handle, buffer[position..], position);
            if (read == 0) return position; // it has been cut meanwhile
            position += read;
        }

        return buffer.Length;
    }

    /// <summary>Where the next write begins, if only zeros fill the page up to there; else the position itself.</summary>
    private static int BehindFilling(ReadOnlySpan<byte> file, int position, WalSegment segment)
    {
        int next = (int)Math.Min(segment.EndOfWrite(position), file.Length);
        return file[position..next].ContainsAnyExcept((byte)0) ? position : next;
    }

    /// <summary>The first record at a position or behind it; negative when there is none.</summary>
    private static int FindRecord(ReadOnlySpan<byte> file, int position, ulong newestSequence, uint key, out int length)
    {
        if (IsRecord(file, position, key, out length)) return position;

        // Every envelope begins with an array's header and a 64-bit sequence, which only grows: looked for before anything
        // is summed up, so that a long damaged stretch is read once.
        const byte longSequence = 0xCF;
        long effort = (long)file.Length * MaxSearchEffort;
        int envelope = position + WalRecord.FrameBytes;
        while (envelope + 1 < file.Length && file[(envelope + 1)..].IndexOf(longSequence) is var found and >= 0)
        {
            envelope += found;
            int start = envelope - WalRecord.FrameBytes;
            bool isPlausible = start > position
                && file[envelope] is >= 0x98 and <= 0x9F
                && file.Length - envelope > 10
                && SequenceAt(file, start) is var sequence
                && sequence > newestSequence
                && sequence - newestSequence <= (ulong)file.Length;
            if (isPlausible && IsRecord(file, start, key, out length)) return start;
            if (isPlausible && (effort -= length) < 0) return -1;
            envelope++;
        }

        return -1;
    }

    private static ulong SequenceAt(ReadOnlySpan<byte> file, int start) => BinaryPrimitives.ReadUInt64BigEndian(file[(start + WalRecord.SequenceOffset)..]);

    private static bool IsRecord(ReadOnlySpan<byte> file, int position, uint key, out int length)
    {
        length = 0;
        if (file.Length - position < WalRecord.FrameBytes) return false;

        ReadOnlySpan<byte> frame = file[position..];
        length = BinaryPrimitives.ReadInt32LittleEndian(frame);
        if (length is <= 0 or > WalRecord.MaxEnvelopeBytes || length > frame.Length - WalRecord.FrameBytes)
        {
            length = 0;
            return false;
        }

        uint checksum = BinaryPrimitives.ReadUInt32LittleEndian(frame[sizeof(uint)..]);
        return Crc32C.Of(frame[..sizeof(uint)], frame.Slice(WalRecord.FrameBytes, length), key) == checksum;
    }

    private static WalRecord? Decode(ReadOnlyMemory<byte> file, int position, int length, List<WalCorruption> corruptions)
    {
        try
        {
            return WalRecord.Decode(file.Slice(position + WalRecord.FrameBytes, length)) with { Frame = file.Slice(position, WalRecord.FrameBytes + length) };
        }
        catch (InvalidDataException e)
        {
            corruptions.Add(new WalCorruption(position, length + WalRecord.FrameBytes, e.Message));
            return null;
        }
    }
}
