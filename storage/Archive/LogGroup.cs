using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using MessagePack;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Archive;

/// <summary>Where a group stands in the archive.</summary>
/// <param name="Lineage">The archive's identity.</param>
/// <param name="Epoch">Counts the writers of the archive, from 1.</param>
/// <param name="Log">The identity of the write-ahead log.</param>
/// <param name="First">The first segment that it holds, or would if all numbers were used.</param>
/// <param name="Last">The last; the next group begins behind it.</param>
public sealed record GroupPlace(Guid Lineage, uint Epoch, ulong Log, ulong First, ulong Last);

/// <summary>What a group holds, in numbers.</summary>
/// <param name="Records">Export requests.</param>
/// <param name="Spans">Spans in them.</param>
/// <param name="EarliestUnixNano">The earliest receive time, nanoseconds since 1970; 0 without records.</param>
/// <param name="LatestUnixNano">The latest.</param>
/// <param name="CompleteThroughUnixNano">Everything that was received up to then is in this group or one before; 0 where nothing new is known.</param>
/// <param name="LastSequence">The sequence of the last record; 0 without records.</param>
public sealed record GroupCounts(long Records, long Spans, ulong EarliestUnixNano, ulong LatestUnixNano, ulong CompleteThroughUnixNano, ulong LastSequence);

/// <summary>Segments that are in no group, and never will be.</summary>
/// <param name="First">The first.</param>
/// <param name="Last">The last.</param>
/// <param name="Reason">Why, in words.</param>
public sealed record LogHole(ulong First, ulong Last, string Reason);

/// <summary>A segment in a group: its file without what fills its pages.</summary>
public readonly record struct ArchivedSegment(ulong Number, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Reads its records.</summary>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="InvalidDataException">It is no segment that this version reads.</exception>
    public WalSegmentContent? Read(string name) => WalReader.Parse(name, Bytes);
}

/// <summary>An object of the archived log: sealed segments, and what was lost between them. FORMAT.md draws it.</summary>
public sealed record LogGroup(GroupPlace Place, GroupCounts Counts, IReadOnlyList<LogHole> Holes, IReadOnlyList<ArchivedSegment> Segments)
{
    internal const int Version = 1;
    internal const int HeaderBytes = 8;
    internal const int TrailerBytes = sizeof(int) + SHA256.HashSizeInBytes;
    internal const int Fields = 13;

    internal static ReadOnlySpan<byte> Magic => "TSLG"u8;

    /// <summary>Reads a group.</summary>
    /// <param name="store">Where it was read from, for messages.</param>
    /// <param name="name">Its name.</param>
    /// <param name="content">Its bytes, all of them; the segments lie there.</param>
    /// <exception cref="ObjectDamagedException">It isn't what was written.</exception>
    public static LogGroup Decode(IObjectStore store, string name, ReadOnlyMemory<byte> content)
    {
        try
        {
            ReadOnlySpan<byte> bytes = content.Span;
            if (bytes.Length < HeaderBytes + TrailerBytes || !bytes.StartsWith(Magic)) throw new InvalidDataException("it is no group of segments");
            int version = BinaryPrimitives.ReadInt32LittleEndian(bytes[Magic.Length..]);
            if (version != Version) throw new InvalidDataException($"it has format version {version}, where this TraceStore knows {Version}");
            if (!SHA256.HashData(bytes[..^SHA256.HashSizeInBytes]).AsSpan().SequenceEqual(bytes[^SHA256.HashSizeInBytes..])) throw new InvalidDataException("its bytes don't have the checksum that it ends with");
            int description = BinaryPrimitives.ReadInt32LittleEndian(bytes[^TrailerBytes..]);
            int start = bytes.Length - TrailerBytes - description;
            if (description < 0 || start < HeaderBytes) throw new InvalidDataException($"its description has {description} bytes");
            LogGroup group = Describe(content.Slice(start, description), content[HeaderBytes..start]);
            if (ArchiveNames.Group(group.Place.Epoch, group.Place.First) != name) throw new InvalidDataException($"it is {ArchiveNames.Group(group.Place.Epoch, group.Place.First)} under another name");
            return group.Place.Last >= group.Place.First ? group : throw new InvalidDataException($"it ends at segment {group.Place.Last}, before it begins");
        }
        catch (Exception e) when (e is InvalidDataException or MessagePackSerializationException or EndOfStreamException or OverflowException or ArgumentException)
        {
            throw new ObjectDamagedException($"{name} in {store.Address} is damaged: {e.Message}.", e);
        }
    }

    private static LogGroup Describe(ReadOnlyMemory<byte> description, ReadOnlyMemory<byte> segments)
    {
        var reader = new MessagePackReader(description);
        int fields = reader.ReadArrayHeader();
        if (fields < Fields) throw new InvalidDataException($"its description has {fields} fields, expected {Fields}");
        var place = new GroupPlace(new Guid(reader.ReadBytes().GetValueOrDefault().ToArray()), reader.ReadUInt32(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64());
        var counts = new GroupCounts(reader.ReadInt64(), reader.ReadInt64(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadUInt64());
        var holes = new LogHole[reader.ReadArrayHeader()];
        for (int i = 0; i < holes.Length; i++) holes[i] = new LogHole(reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadString() ?? "");
        var found = new ArchivedSegment[reader.ReadArrayHeader()];
        for (int i = 0, at = 0; i < found.Length; i++)
        {
            ulong number = reader.ReadUInt64();
            int length = reader.ReadInt32();
            found[i] = new ArchivedSegment(number, segments.Slice(at, length));
            at += length;
        }

        return new LogGroup(place, counts, holes, found);
    }
}
