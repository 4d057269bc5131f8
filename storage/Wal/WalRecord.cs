using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using MessagePack;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.Wal;

/// <summary>One entry of the log: an export request and what was known of it when it came. The layout is drawn in FORMAT.md.</summary>
/// <param name="Sequence">Counts the log's records from 1.</param>
/// <param name="ReceiveTimeUnixNano">When the request was received, nanoseconds since 1970.</param>
/// <param name="Tenant">Whose request it is; empty until there are tenants.</param>
/// <param name="SpanCount">Spans in the request.</param>
/// <param name="RequestHash">The request's <see cref="HashOf"/>: tells a resend.</param>
/// <param name="RequestBytes">Bytes of the request before compression.</param>
public sealed record WalRecord(
    ulong Sequence,
    ulong ReceiveTimeUnixNano,
    ReadOnlyMemory<byte> Tenant,
    int SpanCount,
    UInt128 RequestHash,
    int RequestBytes)
{
    /// <summary>Bytes in front of an envelope: its length and checksum.</summary>
    internal const int FrameBytes = sizeof(uint) + sizeof(uint);

    /// <summary>A length beyond this is a corrupt one.</summary>
    internal const int MaxEnvelopeBytes = 256 << 20;

    internal const int SequenceOffset = FrameBytes + 2; // array header, uint 64 marker
    private const int EnvelopeFields = 8;
    private const int HashBytes = 16;
    private const int MaxHeadBytes = FrameBytes + 64; // the tenant aside

    /// <summary>The record as it lies in its segment, with its length and checksum.</summary>
    internal ReadOnlyMemory<byte> Frame { get; init; }

    private WalCodec _codec;
    private ReadOnlyMemory<byte> _body;

    /// <summary>XXH3-128 of the tenant and the request.</summary>
    internal static UInt128 HashOf(ReadOnlySpan<byte> request, ReadOnlySpan<byte> tenant) =>
        XxHash128.HashToUInt128(request, tenant.IsEmpty ? 0 : unchecked((long)XxHash3.HashToUInt64(tenant)));

    /// <summary>
    /// Encodes a request as a framed record, all but for its sequence and checksum. Done by whoever received the request,
    /// so that compression takes no time of the log's one writer.
    /// </summary>
    internal static EncodedRecord Encode(ReadOnlySpan<byte> request, UInt128 hash, int spanCount, ReadOnlySpan<byte> tenant, ulong receiveTimeUnixNano, WalCodec codec = WalCodec.Lz4)
    {
        // The body is compressed to where it will stand, and what comes before it is then written in front of it.
        int most = MaxHeadBytes + tenant.Length;
        byte[] buffer = ByteBuffers.Rent(most + RecordCompression.MostBytes(request.Length));
        (codec, int length) = RecordCompression.Encode(request, codec, buffer.AsSpan(most));

        var head = new ArrayBufferWriter<byte>(most);
        head.Advance(FrameBytes);
        var writer = new MessagePackWriter(head);
        writer.WriteArrayHeader(EnvelopeFields);
        writer.WriteUInt64(0);
        writer.Write(receiveTimeUnixNano);
        writer.Write(tenant);
        writer.Write(spanCount);
        writer.Write((int)codec);
        writer.WriteBinHeader(HashBytes);
        BinaryPrimitives.WriteUInt128BigEndian(writer.GetSpan(HashBytes), hash);
        writer.Advance(HashBytes);
        writer.Write(request.Length);
        writer.WriteBinHeader(length);
        writer.Flush();
        int start = most - head.WrittenCount;
        head.WrittenSpan.CopyTo(buffer.AsSpan(start));
        return new EncodedRecord(buffer, start, head.WrittenCount + length);
    }

    /// <summary>Completes an encoded record: gives it its sequence, length and checksum.</summary>
    internal static void Stamp(Span<byte> record, ulong sequence, uint checksumKey)
    {
        BinaryPrimitives.WriteUInt64BigEndian(record[SequenceOffset..], sequence);
        BinaryPrimitives.WriteInt32LittleEndian(record, record.Length - FrameBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(record[sizeof(uint)..], Crc32C.Of(record[..sizeof(uint)], record[FrameBytes..], checksumKey));
    }

    /// <summary>Reads an envelope whose checksum was right.</summary>
    /// <exception cref="InvalidDataException">It is no envelope of this or an older version.</exception>
    internal static WalRecord Decode(ReadOnlyMemory<byte> envelope)
    {
        try
        {
            var reader = new MessagePackReader(envelope);
            int fields = reader.ReadArrayHeader();
            if (fields < EnvelopeFields) throw new InvalidDataException($"An envelope of {fields} fields, expected {EnvelopeFields}.");
            var record = new WalRecord(
                Sequence: reader.ReadUInt64(),
                ReceiveTimeUnixNano: reader.ReadUInt64(),
                Tenant: reader.ReadBytes().GetValueOrDefault().ToArray(),
                SpanCount: reader.ReadInt32(),
                RequestHash: default,
                RequestBytes: 0)
            {
                _codec = (WalCodec)reader.ReadInt32(),
                RequestHash = BinaryPrimitives.ReadUInt128BigEndian(reader.ReadBytes().GetValueOrDefault().ToArray()),
                RequestBytes = reader.ReadInt32(),
                _body = reader.ReadBytes().GetValueOrDefault().First,
            };
            return record.RequestBytes is >= 0 and <= MaxEnvelopeBytes && record.SpanCount >= 0
                ? record
                : throw new InvalidDataException($"A request of {record.RequestBytes} bytes and {record.SpanCount} spans.");
        }
        catch (Exception e) when (e is MessagePackSerializationException or EndOfStreamException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException("The envelope is not readable.", e);
        }
    }

    /// <summary>Decompresses the request into <paramref name="request"/>, which has <see cref="RequestBytes"/> bytes.</summary>
    /// <exception cref="InvalidDataException">The body doesn't decompress to as many bytes as were received.</exception>
    public void CopyRequestTo(Span<byte> request)
    {
        int length;
        try
        {
            length = RecordCompression.Decode(_body.Span, _codec, request);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"Record {Sequence} can't be decompressed: {e.Message}", e);
        }

        if (length != RequestBytes) throw new InvalidDataException($"Record {Sequence} doesn't decompress to its {RequestBytes} bytes.");
    }
}

/// <summary>A record as it is written, in a pooled buffer, which disposing gives back.</summary>
internal sealed class EncodedRecord(byte[] buffer, int start, int length) : IDisposable
{
    private byte[]? _buffer = buffer;

    public int Length => length;

    public Memory<byte> Bytes => _buffer.AsMemory(start, length);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } rented) ByteBuffers.Return(rented);
    }
}
