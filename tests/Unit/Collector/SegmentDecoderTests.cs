using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Collector.Pipeline;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Unit.Collector;

public sealed class SegmentDecoderTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Segment => Path.Combine(_directory.Path, "00000000000000000001.wal");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_segment_gives_its_spans_with_log_number_and_day()
    {
        ulong wal = await AppendAsync(Span(span: 1), Span(span: 2));

        DecodedSegment decoded = Decode();

        Assert.Equal(2, decoded.Spans.Count);
        Assert.Equal((wal, 1UL), (decoded.Spans.Wal[1], decoded.Spans.Segment[1]));
        Assert.Equal(DateTime.UtcNow.Date, DateTime.UnixEpoch.AddDays(decoded.Spans.ReceivedDay[0]), TimeSpan.FromDays(1));
        Assert.False(Directory.Exists(Path.Combine(_directory.Path, "damaged")));
    }

    [Theory]
    [InlineData(200)] // within a record: the one behind it is read
    [InlineData(44)] // a length: hides all behind it
    public async Task Damage_costs_no_more_than_it_must_and_a_copy_is_kept(int offset)
    {
        await AppendAsync(Span(span: 1), Span(span: 2));
        byte[] bytes = await File.ReadAllBytesAsync(Segment, TestContext.Current.CancellationToken);
        bytes[offset + 3] ^= 0x7F;
        await File.WriteAllBytesAsync(Segment, bytes, TestContext.Current.CancellationToken);

        DecodedSegment decoded = Decode();

        Assert.Equal(offset == 44 ? 0 : 1, decoded.Spans.Count);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(_directory.Path, "damaged", Path.GetFileName(Segment)), TestContext.Current.CancellationToken));
    }

    private async Task<ulong> AppendAsync(params OpenTelemetry.Proto.Trace.V1.Span[] spans)
    {
        await using WriteAheadLog wal = WriteAheadLog.Open(new WalOptions { Directory = _directory.Path, MaxSegmentAge = TimeSpan.FromMinutes(1) }, TimeProvider.System, NullLogger.Instance);
        foreach (var span in spans) await wal.AppendAsync(Request(Resource("a", span)).ToByteArray(), 1, []);
        return wal.Identity;
    }

    private DecodedSegment Decode()
    {
        var decoded = new DecodedSegment();
        new SegmentDecoder(NullLogger.Instance).Decode(Segment, decoded);
        return decoded;
    }
}
