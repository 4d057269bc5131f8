using Google.Protobuf;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

public class SpanBlockInserterTests(EngineFixture fixture)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_segment_is_one_part()
    {
        await new SpanBlockInserter(fixture.Database).InsertAsync(Block(wal: 501), mayBeStored: false, Cancellation);

        Assert.Equal(["1"], await fixture.Database.ReadLinesAsync(new SqlQuery("SELECT uniq(_part) FROM spans WHERE wal = 501"), Cancellation));
    }

    [Fact]
    public async Task A_segment_that_may_be_stored_is_looked_for_and_stored_once()
    {
        SpanBlock segment = Block(wal: 502);
        await new SpanBlockInserter(fixture.Database).InsertAsync(segment, mayBeStored: true, Cancellation);
        await new SpanBlockInserter(fixture.Database).InsertAsync(segment, mayBeStored: true, Cancellation);

        Assert.Equal(["3"], await fixture.Database.ReadLinesAsync(new SqlQuery("SELECT count() FROM spans WHERE wal = 502"), Cancellation));
    }

    [Fact]
    public async Task An_attempt_that_was_given_up_and_arrives_late_stores_nothing()
    {
        SpanBlock block = Block(wal: 506);
        await new SpanBlockInserter(fixture.Database).InsertAsync(block, mayBeStored: true, Cancellation);

        const string prefix = "tracestore-00000000000001fa-1-";
        await fixture.Database.InsertAsync("spans", block.ToNative(), prefix + "late", SpanBlockInserter.TokenOf(prefix, block.ToNative().Span, burnt: 0), Cancellation);

        Assert.Equal(["3"], await fixture.Database.ReadLinesAsync(new SqlQuery("SELECT count() FROM spans WHERE wal = 506"), Cancellation));
    }

    [Fact]
    public async Task Other_spans_under_a_number_that_was_used_before_are_stored()
    {
        await new SpanBlockInserter(fixture.Database).InsertAsync(Block(wal: 508, spans: 2), mayBeStored: false, Cancellation);
        await new SpanBlockInserter(fixture.Database).InsertAsync(Block(wal: 508, spans: 3), mayBeStored: false, Cancellation); // of a log that was reverted

        Assert.Equal(["5"], await fixture.Database.ReadLinesAsync(new SqlQuery("SELECT count() FROM spans WHERE wal = 508"), Cancellation));
    }

    [Fact]
    public async Task A_token_that_a_crash_has_burnt_is_found_out_and_the_segment_stored()
    {
        SpanBlock segment = Block(wal: 507);
        await new SpanBlockInserter(fixture.Database).InsertAsync(segment, mayBeStored: false, Cancellation);
        await fixture.Database.ExecuteAsync("DELETE FROM spans WHERE wal = 507", cancellation: Cancellation); // the token stays

        await new SpanBlockInserter(fixture.Database).InsertAsync(segment, mayBeStored: true, Cancellation);

        Assert.Equal(["3"], await fixture.Database.ReadLinesAsync(new SqlQuery("SELECT count() FROM spans WHERE wal = 507"), Cancellation));
    }

    [Fact]
    public async Task What_spans_refer_to_is_there_before_them()
    {
        await new SpanBlockInserter(fixture.Database).InsertAsync(Block(wal: 503), mayBeStored: false, Cancellation);

        Assert.Equal(
            ["0"],
            await fixture.Database.ReadLinesAsync(
                new SqlQuery("SELECT count() FROM spans WHERE wal = 503 AND (resource_hash NOT IN (SELECT hash FROM resources) OR scope_hash NOT IN (SELECT hash FROM scopes))"),
                Cancellation));
    }

    [Fact]
    public async Task A_segment_that_is_stored_in_part_is_reported_and_not_touched()
    {
        SpanBlock whole = Block(wal: 504);
        await new SpanBlockInserter(fixture.Database).InsertAsync(Block(wal: 504, spans: 2), mayBeStored: false, Cancellation);

        var refused = await Assert.ThrowsAsync<ClickHouseRefusedException>(() => new SpanBlockInserter(fixture.Database).InsertAsync(whole, mayBeStored: true, Cancellation));

        Assert.Equal("Segment 1 of log 00000000000001f8 has 3 spans, but ClickHouse holds 2 of them; a block is all or nothing.", refused.Message);
    }

    [Fact]
    public async Task A_column_that_the_table_lacks_is_an_error_not_a_silent_loss()
    {
        var table = new BlockTable<SpanBatch>("spans", [.. SpanColumns.Spans.Columns, new("misspelt", "UInt32", batch => batch.Flags)]);
        var block = new ByteList();
        NativeBlockWriter.Write(table, Decode(wal: 505, spans: 3, segment: 1).Spans, block);

        await Assert.ThrowsAsync<ClickHouseRefusedException>(() => fixture.Database.InsertAsync("spans", block.Memory, "test-misspelt", token: null, Cancellation));
    }

    [Fact]
    public async Task A_range_of_segments_is_one_part_and_stored_once()
    {
        SpanBlock range = Block(wal: 509, spans: 3, segments: 5);
        await new SpanBlockInserter(fixture.Database).InsertAsync(range, mayBeStored: false, Cancellation);
        await new SpanBlockInserter(fixture.Database).InsertAsync(range, mayBeStored: true, Cancellation);

        Assert.Equal(
            ["15\t5\t1"],
            await fixture.Database.ReadLinesAsync(new SqlQuery("SELECT concat(toString(count()), '\t', toString(uniq(seg)), '\t', toString(uniq(_part))) FROM spans WHERE wal = 509"), Cancellation));
    }

    [Fact]
    public async Task A_range_that_is_stored_in_part_is_reported_and_not_touched()
    {
        await new SpanBlockInserter(fixture.Database).InsertAsync(Block(wal: 510, spans: 3, segments: 2), mayBeStored: false, Cancellation);

        var refused = await Assert.ThrowsAsync<ClickHouseRefusedException>(() => new SpanBlockInserter(fixture.Database).InsertAsync(Block(wal: 510, spans: 3, segments: 4), mayBeStored: true, Cancellation));

        Assert.Equal("Segments 1 to 4 of log 00000000000001fe have 12 spans, but ClickHouse holds 6 of them; a block is all or nothing.", refused.Message);
    }

    private static SpanBlock Block(ulong wal, int spans = 3, int segments = 1)
    {
        var block = new SpanBlock();
        for (int segment = 1; segment <= segments; segment++) block.Add(Decode(wal, spans, segment));
        return block;
    }

    private static DecodedSegment Decode(ulong wal, int spans, int segment)
    {
        byte[] request = Request(Resource($"inserter-{wal}", Enumerable.Range(1, spans).Select(i => Span(trace: (int)wal, span: i)))).ToByteArray();
        return OtlpDecoder.DecodeAlone(request, wal, (ulong)segment, new DateOnly(2026, 11, 22));
    }
}
