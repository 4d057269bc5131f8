using Google.Protobuf;
using TraceStore.Query.Execution;
using TraceStore.Query.Planning;
using TraceStore.Query.Sql;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using static TraceStore.Tests.OtlpSamples;
using Span = OpenTelemetry.Proto.Trace.V1.Span;
using TraceId = TraceStore.Storage.Spans.TraceId;

namespace TraceStore.Tests.Integration;

/// <summary>What queries see of a block at each moment of its way from memory into ClickHouse: the same, each span once.</summary>
public sealed class RecentSpansTests : IDisposable
{
    private const ulong Start = 1_741_000_000_000_000_000;

    private readonly ClickHouseDatabase _database;
    private readonly RecentSpans _recent = new();
    private readonly QueryGate _gate = new(new QueryServiceOptions());
    private readonly TraceReader _reader;

    public RecentSpansTests(EngineFixture fixture)
    {
        _database = fixture.Database;
        _reader = new TraceReader(_database, _recent, _gate);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _reader.Dispose();
        _gate.Dispose();
    }

    [Fact]
    public async Task Of_many_buckets_those_of_the_traces_are_looked_into()
    {
        const int buckets = 60, spansOfBucket = 2_100; // more than a granule, else it isn't worth asking
        await StoreAsync(Segment(1, number => InBucket(number / spansOfBucket), traces: buckets * spansOfBucket));
        DecodedSegment late = Segment(2, trace => trace == 7 ? InBucket(buckets) : null, traces: 8); // of a trace that has spans in another
        late.Spans.TraceId.Clear();
        late.Spans.TraceId.Add(Convert.FromHexString(TraceOf(7).ToString()));
        await StoreAsync(late);

        var locator = new TraceLocator(_database, new TraceSql(tenant: ""));
        Assert.Equal([BucketOf(3)], await BucketsAsync(3));
        Assert.Equal([BucketOf(7), BucketOf(8), BucketOf(buckets)], await BucketsAsync(7, 8));
        Assert.Equal([], await BucketsAsync(buckets + 1));
        for (int trace = 0; trace < buckets; trace++)
        {
            using SpanRows spans = await _reader.ReadAsync([TraceOf(trace)], Cancellation);
            Assert.Equal(trace == 7 ? spansOfBucket + 1 : spansOfBucket, spans.Spans.Count);
        }

        async Task<IEnumerable<ulong>> BucketsAsync(params int[] traces) =>
            (await locator.FindAsync([.. traces.Select(TraceOf)], Cancellation))!.TimeBuckets.Order();

        Span InBucket(int number)
        {
            Span span = Numbered(number, span: number + 1, "bucket", durationMilliseconds: 1);
            span.StartTimeUnixNano = BucketOf(number) * 1_000_000_000;
            return span;
        }

        static ulong BucketOf(int number) => ((Start / 1_000_000_000 / 300) + (ulong)number + 1) * 300;
    }

    [Theory]
    [InlineData("{resource.service.name = \"moving\"}", 3, 6)]
    [InlineData("{name = \"child\" && span.number > 0}", 2, 2)]
    [InlineData("{.host.name = \"host-1\" && span.text =~ \"te.t\"}", 3, 6)]
    [InlineData("{span.list = \"element\"}", 3, 6)]
    public async Task Queries_see_the_same_of_a_block_whether_it_waits_moves_or_is_stored(string query, int found, int matched)
    {
        // Of each trace the root is stored before, and the child is on its way
        DecodedSegment before = Segment(1, trace => Root(trace)), moving = Segment(2, Child);
        await StoreAsync(before);
        var plan = new SearchPlan(TraceQlParser.Parse($"{query[..^1]} && span.wal = {Wal}}}"), null, limit: 20, spansPerSpanset: 3);
        var ofTrace = new SearchPlan(TraceQlParser.Parse($"{{name = \"child\" && span.wal = {Wal}}}"), null, 20, 3)
        {
            OfTrace = [Filters.Is(Intrinsic.RootName, "root"), Filters.Least(Intrinsic.TraceDuration, 3_000_000)],
        };

        await new SpanBlockInserter(_database).InsertReferencesAsync(moving, Cancellation);
        _recent.Add(moving);
        await AssertAllIsSeenAsync(); // it waits
        await StoreAsync(moving);
        await AssertAllIsSeenAsync(); // it is stored, and not yet known to be
        _recent.Clear();
        await AssertAllIsSeenAsync(); // it is stored

        async Task AssertAllIsSeenAsync()
        {
            using SpanRows spans = await _reader.ReadAsync([.. Traces], Cancellation);
            Assert.Equal(Traces.SelectMany(trace => new[] { $"{trace} child", $"{trace} root" }), Names(spans.Spans));

            IReadOnlyList<TraceId> traces = await _reader.FindAsync(plan, Cancellation);
            Assert.Equal(Traces.Reverse().Take(found), traces); // the newest first
            using SearchRows rows = await _reader.SearchAsync(plan, Cancellation);
            Assert.Equal(traces, rows.Traces);
            Assert.Equal(traces.SelectMany(trace => new[] { $"{trace} child", $"{trace} root" }).Order(StringComparer.Ordinal), Names(rows.Spans));
            Assert.Equal(matched, rows.IsMatched.Values.ToArray().Count(isMatched => isMatched == 1));

            Assert.Equal(Traces.Reverse(), await _reader.FindAsync(ofTrace, Cancellation));
        }
    }

    [Fact]
    public async Task Traces_that_are_recent_and_stored_are_found_in_the_order_of_their_time()
    {
        await StoreAsync(Segment(1, trace => trace % 2 == 0 ? Child(trace) : null, traces: 8));
        DecodedSegment odd = Segment(2, trace => trace % 2 == 1 ? Child(trace) : null, traces: 8);
        await new SpanBlockInserter(_database).InsertReferencesAsync(odd, Cancellation);
        _recent.Add(odd);
        var plan = new SearchPlan(TraceQlParser.Parse($"{{span.wal = {Wal}}}"), null, limit: 5, spansPerSpanset: 3);

        Assert.Equal(Enumerable.Range(3, 5).Reverse().Select(TraceOf), await _reader.FindAsync(plan, Cancellation));
    }

    /// <summary>A log of each test's own.</summary>
    private ulong Wal { get; } = (ulong)Random.Shared.Next(1_000_000, int.MaxValue);

    private IEnumerable<TraceId> Traces => Enumerable.Range(0, 3).Select(TraceOf);

    private TraceId TraceOf(int number) => new(Wal, (ulong)number + 1);

    private static IEnumerable<string> Names(SpanBatch spans) => Enumerable.Range(0, spans.Count)
        .Select(row => $"{TraceId.Read(spans.TraceId[row])} {System.Text.Encoding.UTF8.GetString(spans.Name[row])}")
        .Order(StringComparer.Ordinal);

    private Task StoreAsync(DecodedSegment segment)
    {
        var block = new SpanBlock();
        block.Add(segment);
        return new SpanBlockInserter(_database).InsertAsync(block, mayBeStored: false, Cancellation);
    }

    private DecodedSegment Segment(int number, Func<int, Span?> span, int traces = 3)
    {
        Span[] spans = [.. Enumerable.Range(0, traces).Select(span).OfType<Span>()];
        return OtlpDecoder.DecodeAlone(Request(Resource("moving", spans)).ToByteArray(), Wal, (ulong)number, new DateOnly(2026, 11, 22));
    }

    private Span Root(int trace) => Numbered(trace, span: 1, "root", durationMilliseconds: 1);

    private Span Child(int trace)
    {
        Span span = Numbered(trace, span: 2, "child", durationMilliseconds: 5);
        span.ParentSpanId = ByteString.CopyFrom(0, 0, 0, 0, 0, 0, 0, 1);
        return span;
    }

    private Span Numbered(int trace, int span, string name, ulong durationMilliseconds)
    {
        Span numbered = Span(1, span: span, name: name, start: Start + ((ulong)trace * 1_000_000_000));
        numbered.TraceId = ByteString.CopyFrom(Convert.FromHexString(TraceOf(trace).ToString()));
        numbered.EndTimeUnixNano = numbered.StartTimeUnixNano + (durationMilliseconds * 1_000_000);
        numbered.Attributes.Add([Attribute("wal", (long)Wal), Attribute("number", trace), Attribute("text", "text"), Attribute("list", "first"), Attribute("list", "element")]);
        return numbered;
    }
}
