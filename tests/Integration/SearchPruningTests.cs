using Google.Protobuf;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Query.Planning;
using TraceStore.Query.Sql;
using TraceStore.Query.TraceQl;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

/// <summary>How much a search reads, by what ClickHouse says it would: granules of 2,048 rows.</summary>
public class SearchPruningTests(EngineFixture fixture)
{
    private const ulong Second = 1_000_000_000;
    private const ulong Start = 1_600_000_000 * Second; // a time that no other test uses
    private const int Spans = 80_000;
    private const ulong Seconds = 20 * 60;
    private const int Granule = 2_048;
    private const uint BucketSeconds = 10;
    private static readonly DateOnly s_day = new(2020, 9, 13);
    private static readonly TimeRange s_all = new(Start, Start + (Seconds * Second));
    private static readonly TimeRange s_newest = s_all with { FirstUnixNano = s_all.LastUnixNano - (8 * Second) };
    private static Task? s_stored; // tests of a class run one after the other

    [Fact]
    public async Task The_newest_seconds_are_read_without_those_before() => Assert.InRange(await RowsReadAsync("{}", s_newest), 1, 2 * Granule);

    [Fact]
    public async Task The_sort_order_tells_what_is_older_by_more_than_a_bucket()
    {
        await (s_stored ??= StoreAsync());

        Assert.InRange(await GranulesByKeyAsync(Search("{}", s_newest)), 1, Spans / Granule / 2);
    }

    [Theory]
    [InlineData("{span.unique = \"u40000\"}")]
    [InlineData("{.unique = \"u40000\"}")]
    [InlineData("{span.shared = \"s4000\"}")]
    [InlineData("{resource.service.name = \"pruning\" && .shared = \"s4000\"}")]
    [InlineData("{span.twice = \"t40000\"}")]
    public async Task A_rare_value_is_read_where_it_is(string query) => Assert.InRange(await RowsReadAsync(query, s_all), 1, 4 * Granule);

    [Fact]
    public async Task A_trace_whose_place_is_known_is_looked_for_there_alone()
    {
        await (s_stored ??= StoreAsync());
        Span span = Numbered(40_000);
        Storage.Spans.TraceId[] trace = [Storage.Spans.TraceId.Read(span.TraceId.Span)];
        var places = new TracePlaces([(ushort)(s_day.DayNumber - new DateOnly(1970, 1, 1).DayNumber)], [TimeBuckets.StartOf(span.StartTimeUnixNano, BucketSeconds)]);
        var sql = new TraceSql(tenant: "");

        int anywhere = await GranulesByKeyAsync(sql.Spans(trace, maxSpans: 10)), there = await GranulesByKeyAsync(sql.Spans(trace, maxSpans: 10, places));

        Assert.InRange(there, 1, 2);
        Assert.InRange(anywhere, Spans / Granule, int.MaxValue);
    }

    private async Task<int> GranulesByKeyAsync(SqlQuery query)
    {
        IReadOnlyList<string> plan = await fixture.Database.ReadLinesAsync(query with { Text = $"EXPLAIN indexes = 1 {query.Text}" }, TestContext.Current.CancellationToken);
        string granules = plan.Select(line => line.Trim()).SkipWhile(line => line != "PrimaryKey").First(line => line.StartsWith("Granules: ", StringComparison.Ordinal));
        return int.Parse(granules.Split(' ', '/')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private async Task<long> RowsReadAsync(string query, TimeRange time)
    {
        await (s_stored ??= StoreAsync());
        string[] estimate = (await ExplainAsync("EXPLAIN ESTIMATE", query, time)).Select(line => line.Split('\t')).Single(line => line[1] == "spans");
        return long.Parse(estimate[3], System.Globalization.CultureInfo.InvariantCulture);
    }

    private Task<IReadOnlyList<string>> ExplainAsync(string explain, string query, TimeRange time)
    {
        SqlQuery search = Search(query, time);
        return fixture.Database.ReadLinesAsync(search with { Text = $"{explain} {search.Text}" }, TestContext.Current.CancellationToken);
    }

    private static SqlQuery Search(string query, TimeRange time) =>
        new TraceSql(tenant: "").Find(new SearchPlan(TraceQlParser.Parse(query), time, limit: 20, spansPerSpanset: 3), ResourceMatches.None);

    /// <summary>Twenty minutes of spans, traces of ten, in buckets of ten seconds.</summary>
    private Task StoreAsync()
    {
        var segment = new DecodedSegment();
        var decoder = new OtlpDecoder(segment);
        decoder.Begin(wal: 601, segment: 1, s_day, BucketSeconds);
        decoder.Decode(Request(Resource("pruning", Enumerable.Range(0, Spans).Select(Numbered))).ToByteArray(), tenant: []);
        var block = new SpanBlock();
        block.Add(segment);
        return new SpanBlockInserter(fixture.Database).InsertAsync(block, mayBeStored: false, CancellationToken.None);
    }

    private static Span Numbered(int number)
    {
        Span span = Span(trace: 600_000 + (number / 10), span: number + 1, start: Start + ((ulong)number * Seconds * Second / Spans));
        span.Attributes.Add([Attribute("unique", $"u{number}"), Attribute("shared", $"s{number / 10}"), Attribute("twice", "first"), Attribute("twice", $"t{number}")]);
        return span;
    }
}
