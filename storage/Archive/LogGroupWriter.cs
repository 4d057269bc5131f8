using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using MessagePack;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Archive;

/// <summary>
/// Makes a group of sealed segments. What it makes depends on the segments alone, and on how far it goes, so that an attempt whose answer was
/// lost is told from something else under the same name. For one caller at a time.
/// </summary>
internal sealed class LogGroupWriter
{
    private readonly ByteList _file = new();
    private readonly ByteList _bytes = new();
    private readonly List<(ulong Number, int Bytes)> _segments = [];
    private readonly List<LogHole> _holes = [];
    private long _records, _spans;
    private ulong _earliest, _latest, _lastSequence;

    /// <summary>Bytes of the segments so far.</summary>
    public int Bytes => _bytes.Length - LogGroup.HeaderBytes;

    /// <summary>The last segment or hole that is in it, or else the one that it begins behind.</summary>
    public ulong Last { get; private set; }

    /// <summary>The sequence that the next record must have, for records are counted, and segments' numbers aren't all used; 0 where it isn't known.</summary>
    public ulong NextSequence { get; set; }

    /// <summary>Begins a group behind a segment.</summary>
    public void Begin(ulong behind)
    {
        _bytes.Clear();
        _segments.Clear();
        _holes.Clear();
        (_records, _spans, _earliest, _latest, _lastSequence, Last) = (0, 0, 0, 0, 0, behind);
        _bytes.Add(LogGroup.Magic);
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.Extend(sizeof(int)), LogGroup.Version);
    }

    /// <summary>Adds a segment. A file that is gone is a hole; one that is damaged is kept as it is.</summary>
    /// <exception cref="IOException">Its file can't be read just now.</exception>
    /// <exception cref="NewerFormatException">It is a segment that this version doesn't read.</exception>
    public void Add(SealedSegment segment)
    {
        WalSegmentContent? content;
        try
        {
            content = WalReader.Read(segment.Path, _file, segment.Bytes);
        }
        catch (FileNotFoundException)
        {
            Add(new LogHole(segment.Number, segment.Number, "the segment's file was deleted before it was archived"));
            return;
        }
        catch (InvalidDataException e)
        {
            Add(new LogHole(segment.Number, segment.Number, $"the segment's file is damaged: {e.Message}"));
            return;
        }

        if (content is null)
        {
            Last = segment.Number; // nothing was acknowledged in it
            return;
        }

        ulong first = content.Segment.FirstSequence;
        if (NextSequence > 0 && first > NextSequence && segment.Number > Last + 1) Add(new LogHole(Last + 1, segment.Number - 1, $"their files were deleted before they were archived; records {NextSequence} to {first - 1} were in them"));
        Last = segment.Number;
        int before = _bytes.Length;
        PackedSegment.Append(_file.All, content, _bytes);
        _segments.Add((segment.Number, _bytes.Length - before));
        foreach (WalRecord record in content.Records)
        {
            _earliest = _records == 0 ? record.ReceiveTimeUnixNano : Math.Min(_earliest, record.ReceiveTimeUnixNano);
            _latest = Math.Max(_latest, record.ReceiveTimeUnixNano);
            _records++;
            _spans += record.SpanCount;
            (_lastSequence, NextSequence) = (record.Sequence, record.Sequence + 1);
        }

        if (content.UnreadableBytes > 0) NextSequence = 0; // nobody knows how many were in there
    }

    /// <summary>Adds segments that are lost.</summary>
    public void Add(LogHole hole)
    {
        _holes.Add(hole);
        (Last, NextSequence) = (hole.Last, 0);
    }

    /// <summary>The object. It is valid until the next <see cref="Begin"/>.</summary>
    public (ReadOnlyMemory<byte> Content, LogGroup Group) Finish(GroupPlace place, ulong completeThroughUnixNano)
    {
        var counts = new GroupCounts(_records, _spans, _earliest, _latest, completeThroughUnixNano, _lastSequence);
        var description = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(description);
        writer.WriteArrayHeader(LogGroup.Fields);
        writer.Write(place.Lineage.ToByteArray());
        writer.Write(place.Epoch);
        writer.Write(place.Log);
        writer.Write(place.First);
        writer.Write(place.Last);
        writer.Write(counts.Records);
        writer.Write(counts.Spans);
        writer.Write(counts.EarliestUnixNano);
        writer.Write(counts.LatestUnixNano);
        writer.Write(counts.CompleteThroughUnixNano);
        writer.Write(counts.LastSequence);
        writer.WriteArrayHeader(_holes.Count);
        foreach (LogHole hole in _holes)
        {
            writer.Write(hole.First);
            writer.Write(hole.Last);
            writer.Write(hole.Reason);
        }

        writer.WriteArrayHeader(_segments.Count);
        foreach ((ulong number, int bytes) in _segments)
        {
            writer.Write(number);
            writer.Write(bytes);
        }

        writer.Flush();
        int end = _bytes.Length;
        _bytes.Add(description.WrittenSpan);
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.Extend(sizeof(int)), description.WrittenCount);
        byte[] checksum = SHA256.HashData(_bytes.All);
        _bytes.Add(checksum);
        return (_bytes.Memory, new LogGroup(place, counts, [.. _holes], Segments(_bytes.Memory[LogGroup.HeaderBytes..end])));
    }

    private List<ArchivedSegment> Segments(ReadOnlyMemory<byte> bytes)
    {
        int at = 0;
        return _segments.ConvertAll(segment => new ArchivedSegment(segment.Number, bytes.Slice((at += segment.Bytes) - segment.Bytes, segment.Bytes)));
    }
}
