using System.Diagnostics.Metrics;
using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Collector.Pipeline;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Unit.Collector;

public sealed class DecodeAheadTests : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Meter _meter = new("test");
    private readonly DecodeAhead _decoder;

    public DecodeAheadTests() => _decoder = new DecodeAhead(
        new SegmentDecoder(new Quarantine(_directory.Path), NullLogger.Instance),
        _meter.CreateCounter<long>("damages"));

    public async ValueTask DisposeAsync()
    {
        await _decoder.DisposeAsync();
        _meter.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Each_segment_gives_its_own_rows_whether_it_was_begun_before_or_not()
    {
        SealedSegment[] segments = await AppendAsync(5);
        for (int number = 0; number < segments.Length; number++)
        {
            DecodedSegment rows = await _decoder.DecodeAsync(segments[number]);
            Assert.Equal((ulong)number + 1, rows.Spans.Segment[0]);
            Assert.Equal(1, rows.Spans.Count);

            if (number % 2 == 0 && number + 1 < segments.Length) _decoder.Begin(segments[number + 1]);
        }
    }

    [Fact]
    public async Task Asked_again_it_gives_the_rows_that_it_has()
    {
        SealedSegment segment = (await AppendAsync(1)).Single();
        await _decoder.DecodeAsync(segment);
        File.Delete(segment.Path);

        DecodedSegment rows = await _decoder.DecodeAsync(segment);

        Assert.Equal((1UL, 1), (rows.Spans.Segment[0], rows.Spans.Count));
    }

    [Fact]
    public async Task Another_one_than_was_begun_gets_its_rows_too()
    {
        SealedSegment[] segments = await AppendAsync(3);

        await _decoder.DecodeAsync(segments[0]);
        _decoder.Begin(segments[1]);
        DecodedSegment other = await _decoder.DecodeAsync(segments[2]);
        Assert.Equal(3UL, other.Spans.Segment[0]);

        Assert.Equal(2UL, (await _decoder.DecodeAsync(segments[1])).Spans.Segment[0]);
    }

    [Fact]
    public async Task What_failed_is_tried_again()
    {
        SealedSegment[] segments = await AppendAsync(2);
        string hidden = segments[1].Path + ".hidden";
        File.Move(segments[1].Path, hidden);

        await _decoder.DecodeAsync(segments[0]);
        _decoder.Begin(segments[1]);
        await Assert.ThrowsAsync<FileNotFoundException>(() => _decoder.DecodeAsync(segments[1]));
        File.Move(hidden, segments[1].Path);

        Assert.Equal(2UL, (await _decoder.DecodeAsync(segments[1])).Spans.Segment[0]);
    }

    [Theory]
    [InlineData(10_000, 300)] // within 0.4 s
    [InlineData(40_000, 60)]
    [InlineData(100_000, 10)]
    [InlineData(200_000, 2)]
    public async Task Buckets_of_time_are_as_long_as_the_segment_is_dense(int spansPerRequest, uint seconds)
    {
        SealedSegment segment = (await AppendAsync(1, spansPerRequest)).Single();

        DecodedSegment rows = await _decoder.DecodeAsync(segment);

        Assert.Equal(TimeBuckets.StartOf(rows.Spans.StartTimeUnixNano[0], seconds), rows.Spans.TimeBucket[0]);
    }

    /// <summary>Segments of one request of one span each.</summary>
    /// <param name="count">How many.</param>
    /// <param name="spansPerRequest">Spans that each is said to have.</param>
    private async Task<SealedSegment[]> AppendAsync(int count, int spansPerRequest = 1)
    {
        const ulong amidAllBuckets = 1_700_000_273_000_000_000; // in none's first two seconds
        await using (WriteAheadLog wal = WriteAheadLog.Open(new WalOptions { Directory = _directory.Path, MaxSegmentSpans = 1 }, TimeProvider.System, NullLogger.Instance))
        {
            for (int span = 1; span <= count; span++) await wal.AppendAsync(Request(Resource("a", Span(span: span, start: amidAllBuckets))).ToByteArray(), spansPerRequest, []);
        }

        return [.. Directory.EnumerateFiles(_directory.Path, "*.wal").Order(StringComparer.Ordinal).Select((path, index) => new SealedSegment(path, (ulong)index + 1, new FileInfo(path).Length))];
    }
}
