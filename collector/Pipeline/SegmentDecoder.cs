using System.Buffers;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Collector.Pipeline;

/// <summary>Decodes a sealed segment, whole: the same segment gives the same rows whenever and by whomever it is decoded.</summary>
internal sealed class SegmentDecoder(ILogger log)
{
    /// <summary>Reads and decodes a segment file into <paramref name="output"/>.</summary>
    public void Decode(string path, DecodedSegment output)
    {
        output.Clear();
        if (WalReader.Read(path) is not { } content) return; // nothing was acknowledged in it
        foreach (WalCorruption corruption in content.Corruptions)
        {
            log.LogError(
                "A record of the write-ahead log is damaged: {Segment} at offset {Offset}, {Length} bytes: {Reason}. Its spans are lost; check the disk.",
                path, corruption.Offset, corruption.Length, corruption.Reason);
        }

        if (content.Records.Count == 0) return;
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
    }

    private static DateOnly DayOf(ulong unixNano) =>
        DateOnly.FromDateTime(DateTime.UnixEpoch.AddTicks((long)(unixNano / TimeSpan.NanosecondsPerTick)));
}
