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
        Assert.Equal(0, new Quarantine(_directory.Path).Count);
    }

    [Theory]
    [InlineData(200)] // within the first record
    [InlineData(44)] // its length
    public async Task Damage_costs_one_record_and_is_kept(int offset)
    {
        await AppendAsync(Span(span: 1), Span(span: 2));
        byte[] bytes = await File.ReadAllBytesAsync(Segment, TestContext.Current.CancellationToken);
        bytes[offset + 3] ^= 0x7F;
        await File.WriteAllBytesAsync(Segment, bytes, TestContext.Current.CancellationToken);

        DecodedSegment decoded = Decode();
        Decode(); // again, as after a crash

        Assert.Equal(1, decoded.Spans.Count);
        QuarantineEntry damage = Assert.Single(new Quarantine(_directory.Path).Entries());
        Assert.Equal(("00000000000000000001-44.damaged", false, "no record with a right checksum begins there"), (damage.Name, damage.CanReplay, damage.Reason));
        Assert.Equal(bytes[44..(44 + (int)damage.Bytes)], await File.ReadAllBytesAsync(Path.Combine(_directory.Path, "quarantine", damage.Name), TestContext.Current.CancellationToken));
    }

    private async Task<ulong> AppendAsync(params OpenTelemetry.Proto.Trace.V1.Span[] spans)
    {
        await using WriteAheadLog wal = WriteAheadLog.Open(new WalOptions { Directory = _directory.Path, MaxSegmentAge = TimeSpan.FromMinutes(1) }, TimeProvider.System, NullLogger.Instance);
        foreach (var span in spans) await wal.AppendAsync(Request(Resource("a", span)).ToByteArray(), 1, []);
        return wal.Identity;
    }

    private DecodedSegment Decode()
    {
        var decoder = new SegmentDecoder(new Quarantine(_directory.Path), NullLogger.Instance);
        decoder.Decode(new SealedSegment(Segment, 1, new FileInfo(Segment).Length));
        return decoder.Output;
    }
}
