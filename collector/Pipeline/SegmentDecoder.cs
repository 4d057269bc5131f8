using Microsoft.Extensions.Logging;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>Decodes a sealed segment, whole: the same segment gives the same rows whenever and by whomever it is decoded.</summary>
internal sealed class SegmentDecoder
{
    private readonly Quarantine _quarantine;
    private readonly ILogger _log;
    private readonly OtlpDecoder _decoder;
    private readonly ByteList _file = new();

    public SegmentDecoder(Quarantine quarantine, ILogger log)
    {
        (_quarantine, _log) = (quarantine, log);
        _decoder = new OtlpDecoder(Output);
    }

    /// <summary>What was decoded last.</summary>
    public DecodedSegment Output { get; } = new();

    /// <summary>Reads and decodes a segment file into <see cref="Output"/>.</summary>
    /// <returns>How many stretches of it can't be read and were set aside now.</returns>
    public int Decode(SealedSegment segment)
    {
        Output.Clear();
        WalSegmentContent? content = WalReader.Read(segment.Path, _file, segment.Bytes);
        if (content is null) return 0; // nothing was acknowledged in it
        int damages = SetDamageAside(segment, content);
        if (content.Records.Count == 0) return damages;
        _decoder.Begin(content.Segment.Wal, content.Segment.Number, content.ReceivedDay, BucketSecondsOf(content.Records));
        foreach (WalRecord record in content.Records)
        {
            byte[] buffer = ByteBuffers.Rent(record.RequestBytes);
            try
            {
                Span<byte> request = buffer.AsSpan(0, record.RequestBytes);
                record.CopyRequestTo(request);
                _decoder.Decode(request, record.Tenant.Span);
            }
            finally
            {
                ByteBuffers.Return(buffer);
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
        foreach (WalCorruption damage in damages.Where(damage => _quarantine.SetAside(segment, damage)))
        {
            found++;
            _log.LogError(
                "The write-ahead log is damaged: {Segment}, {Length} bytes at offset {Offset}: {Reason}. They are kept in the quarantine folder; the records around them are stored. Check the disk.",
                segment.Path, damage.Length, damage.Offset, damage.Reason);
        }

        return found;
    }

    /// <summary>How long the buckets of the spans are: by how densely they came.</summary>
    private static uint BucketSecondsOf(IReadOnlyList<WalRecord> records)
    {
        (ulong first, ulong last) = (records[0].ReceiveTimeUnixNano, records[^1].ReceiveTimeUnixNano);
        return TimeBuckets.LengthFor(records.Sum(record => (long)record.SpanCount), last > first ? last - first : 0); // a clock may be set back
    }
}
