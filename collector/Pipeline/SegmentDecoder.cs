using System.Buffers;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>Decodes a sealed segment, whole: the same segment gives the same rows whenever and by whomever it is decoded.</summary>
internal sealed class SegmentDecoder(Quarantine quarantine, ILogger log)
{
    /// <summary>Reads and decodes a segment file into <paramref name="output"/>.</summary>
    /// <returns>How many stretches of it can't be read and were set aside now.</returns>
    public int Decode(SealedSegment segment, DecodedSegment output)
    {
        output.Clear();
        if (WalReader.Read(segment.Path, segment.Bytes) is not { } content) return 0; // nothing was acknowledged in it
        int damages = SetDamageAside(segment, content);
        if (content.Records.Count == 0) return damages;
        var decoder = new OtlpDecoder(output, content.Segment.Wal, content.Segment.Number, DayOf(content.Records[0].ReceiveTimeUnixNano));
        foreach (WalRecord record in content.Records)
        {
            byte[] buffer = ArrayPool<byte>.Shared.Rent(record.RequestBytes);
            try
            {
                Span<byte> request = buffer.AsSpan(0, record.RequestBytes);
                record.CopyRequestTo(request);
                decoder.Decode(request, record.Tenant.Span);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }

        return damages;
    }

    /// <summary>Reports what can't be read, and keeps it: when everything readable is stored, the segment is deleted.</summary>
    private int SetDamageAside(SealedSegment segment, WalSegmentContent content)
    {
        IEnumerable<WalCorruption> damages = content.Corruptions;
        if (content.UnreadableBytes > 0)
        {
            damages = damages.Append(new WalCorruption(content.ValidBytes, (int)content.UnreadableBytes, "no record with a right checksum is there up to the segment's end"));
        }

        int found = 0;
        foreach (WalCorruption damage in damages.Where(damage => quarantine.SetAside(segment, damage)))
        {
            found++;
            log.LogError(
                "The write-ahead log is damaged: {Segment}, {Length} bytes at offset {Offset}: {Reason}. They are kept in the quarantine folder; the records around them are stored. Check the disk.",
                segment.Path, damage.Length, damage.Offset, damage.Reason);
        }

        return found;
    }

    private static DateOnly DayOf(ulong unixNano) =>
        DateOnly.FromDateTime(DateTime.UnixEpoch.AddTicks((long)(unixNano / TimeSpan.NanosecondsPerTick)));
}
