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
        SetDamageAside(path, content);
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

    /// <summary>Reports what can't be read, and keeps a copy: when everything readable is stored, the segment is deleted.</summary>
    private void SetDamageAside(string path, WalSegmentContent content)
    {
        IEnumerable<string> damages = content.Corruptions.Select(corruption => $"at offset {corruption.Offset}, {corruption.Length} bytes: {corruption.Reason}");
        if (content.UnreadableBytes > 0) damages = damages.Append($"from offset {content.ValidBytes} to the end, {content.UnreadableBytes} bytes: no record begins there");
        string[] all = [.. damages];
        if (all.Length == 0) return;

        string folder = Path.Combine(Path.GetDirectoryName(path)!, "damaged");
        string copy = Path.Combine(folder, Path.GetFileName(path));
        Directory.CreateDirectory(folder);
        File.Copy(path, copy, overwrite: true);
        log.LogError(
            "The write-ahead log is damaged: {Segment} {Damages}. The records around it are stored; the segment is kept as {Copy}. Check the disk.",
            path, string.Join("; ", all), copy);
    }

    private static DateOnly DayOf(ulong unixNano) =>
        DateOnly.FromDateTime(DateTime.UnixEpoch.AddTicks((long)(unixNano / TimeSpan.NanosecondsPerTick)));
}
