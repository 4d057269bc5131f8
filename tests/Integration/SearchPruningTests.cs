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

/// <summary>How much a search reads, by what ClickHouse says it would: granules of 8,192 rows.</summary>
public class SearchPruningTests(EngineFixture fixture)
{
    private const ulong Second = 1_000_000_000;
    private const ulong Start = 1_600_000_000 * Second; // a time that no other test uses
    private const int Spans = 80_000;
    private const int SpansPerSecond = Spans / 60;
    private const int TwoGranules = 2 * 8_192;
    private static readonly TimeRange s_all = new(Start, Start + (60 * Second));
    private static readonly SemaphoreSlim s_once = new(1);
    private static bool s_isStored;

    [Fact]
    public async Task The_newest_seconds_are_read_without_the_minute_before() =>
        Assert.InRange(await RowsReadAsync("{}", s_all with { StartUnixNano = Start + (52 * Second) }), 8 * SpansPerSecond, (10 * SpansPerSecond) + TwoGranules);

    [Theory]
    [InlineData("{span.unique = \"u40000\"}")]
    [InlineData("{.unique = \"u40000\"}")]
    [InlineData("{span.shared = \"s4000\"}")]
    [InlineData("{resource.service.name = \"pruning\" && .shared = \"s4000\"}")]
    public async Task A_rare_value_is_read_where_it_is(string query) => Assert.InRange(await RowsReadAsync(query, s_all), 1, TwoGranules);

    private async Task<long> RowsReadAsync(string query, TimeRange time)
    {
        await StoreAsync();
        SqlQuery search = new TraceSql(tenant: "").Find(new SearchPlan(TraceQlParser.Parse(query), time, Limit: 20, SpansPerSpanset: 3));
        string[] estimate = (await fixture.Database.ReadLinesAsync(search with { Text = "EXPLAIN ESTIMATE " + search.Text }, TestContext.Current.CancellationToken))
            .Select(line => line.Split('\t'))
            .Single(line => line[1] == "spans");
        return long.Parse(estimate[3], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>A minute of spans, traces of ten, in buckets of ten seconds.</summary>
    private async Task StoreAsync()
    {
        await s_once.WaitAsync();
        try
        {
            if (s_isStored) return;
            var segment = new DecodedSegment();
            var decoder = new OtlpDecoder(segment);
            decoder.Begin(wal: 601, segment: 1, new DateOnly(2020, 9, 13), bucketSeconds: 10);
            decoder.Decode(Request(Resource("pruning", Enumerable.Range(0, Spans).Select(Numbered))).ToByteArray(), tenant: []);
            await new SpanBlockInserter(fixture.Database).InsertAsync(segment, mayBeStored: false, TestContext.Current.CancellationToken);
            s_isStored = true;
        }
        finally
        {
            s_once.Release();
        }
    }

    private static Span Numbered(int number)
    {
        Span span = Span(trace: 600_000 + (number / 10), span: number + 1, start: Start + ((ulong)number * 60 * Second / Spans));
        span.Attributes.Add([Attribute("unique", $"u{number}"), Attribute("shared", $"s{number / 10}")]);
        return span;
    }
}
