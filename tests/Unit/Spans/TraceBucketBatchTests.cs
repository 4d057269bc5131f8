using TraceStore.Storage.Spans;

namespace TraceStore.Tests.Unit.Spans;

public class TraceBucketBatchTests
{
    [Fact]
    public void A_trace_is_hashed_as_ClickHouse_does() => // xxHash32(unhex('000102030405060708090a0b0c0d0e0f'))
        Assert.Equal(3_072_866_292, TraceBucketBatch.HashOf(new TraceId(0x0001020304050607, 0x08090a0b0c0d0e0f)));

    [Fact]
    public void Spans_that_stand_together_are_one_row_for_each_trace_and_bucket()
    {
        var spans = new SpanBatch();
        foreach ((byte trace, ulong bucket, byte tenant) in ((byte, ulong, byte)[])[(1, 300, 0), (1, 300, 0), (1, 600, 0), (2, 600, 0), (2, 600, 1), (1, 600, 1)])
        {
            spans.TraceId.Add([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, trace]);
            spans.TimeBucket.Add(bucket);
            spans.Tenant.Add([tenant]);
            spans.ReceivedDay.Add(20_000);
        }

        var rows = new TraceBucketBatch();
        rows.Add(spans);

        uint one = TraceBucketBatch.HashOf(new TraceId(0, 1)), two = TraceBucketBatch.HashOf(new TraceId(0, 2));
        Assert.Equal([one, one, two, two, one], rows.TraceHash.Values.ToArray());
        Assert.Equal([300, 600, 600, 600, 600], rows.TimeBucket.Values.ToArray());
        Assert.Equal([0, 0, 0, 1, 1], Enumerable.Range(0, rows.Count).Select(row => rows.Tenant[row][0]));
        Assert.All(rows.ReceivedDay.Values.ToArray(), day => Assert.Equal(20_000, day));
    }
}
