using Google.Protobuf;
using TraceStore.Query.Assembly;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using static TraceStore.Tests.OtlpSamples;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace TraceStore.Tests.Unit.Query;

public class TraceAssemblerTests
{
    [Fact]
    public void Spans_come_by_start_time_and_know_their_parents()
    {
        AssembledTrace trace = Assemble(Span(span: 3, parent: 2, start: 30), Span(span: 1, start: 10), Span(span: 2, parent: 1, start: 20));

        Assert.Equal([1, 2, 3], trace.Spans.Select(Number));
        Assert.Equal(1, Number(trace.Root!));
        Assert.Equal([0, 1, 2], trace.Spans.Select(span => span.Parent is { } parent ? Number(parent) : 0));
        Assert.Equal([2], trace.Root!.Children.Select(Number));
        Assert.All(trace.Spans, span => Assert.Equal(SpanOddity.None, span.Oddity));
    }

    [Fact]
    public void A_resend_is_one_span()
    {
        Span span = Span(span: 1);
        span.Attributes.Add([Attribute("id", "c0ffee"), Attribute("method", "POST"), Attribute("also", "POST")]); // common at once, or from the second on

        AssembledTrace trace = Assemble(span, span, span);

        Assert.Equal(SpanOddity.None, Assert.Single(trace.Spans).Oddity);
    }

    [Fact]
    public void Spans_with_one_id_and_other_content_are_kept_and_marked()
    {
        AssembledTrace trace = Assemble(Span(span: 1, name: "a"), Span(span: 1, name: "b"), Span(span: 1, name: "b"));

        Assert.Equal(2, trace.Spans.Count);
        Assert.All(trace.Spans, span => Assert.Equal(SpanOddity.Twin, span.Oddity));
    }

    [Fact]
    public void Client_and_server_may_share_an_id_and_children_hang_below_the_server()
    {
        Span client = Span(span: 1);
        client.Kind = OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind.Client;
        AssembledTrace trace = Assemble(client, Span(span: 1, start: client.StartTimeUnixNano + 1), Span(span: 2, parent: 1, start: client.StartTimeUnixNano + 2));

        Assert.Equal(3, trace.Spans.Count);
        Assert.Equal(2, trace.Spans[2].Parent!.Kind);
        Assert.All(trace.Spans, span => Assert.Equal(SpanOddity.None, span.Oddity));
    }

    [Fact]
    public void An_orphan_is_kept_and_marked()
    {
        AssembledTrace trace = Assemble(Span(span: 1), Span(span: 3, parent: 2));

        Assert.Equal(SpanOddity.Orphan, trace.Spans.Single(span => Number(span) == 3).Oddity);
    }

    [Fact]
    public void A_trace_without_a_root_has_none_and_all_its_spans()
    {
        AssembledTrace trace = Assemble(Span(span: 2, parent: 1), Span(span: 3, parent: 2));

        Assert.Null(trace.Root);
        Assert.Equal(2, trace.Spans.Count);
    }

    [Fact]
    public void Of_several_roots_the_earliest_counts() =>
        Assert.Equal(2, Number(Assemble(Span(span: 1, start: 20), Span(span: 2, start: 10)).Root!));

    [Fact]
    public void A_cycle_is_cut_at_its_earliest_span_and_marked()
    {
        AssembledTrace trace = Assemble(Span(span: 1, parent: 3, start: 10), Span(span: 2, parent: 1, start: 20), Span(span: 3, parent: 2, start: 30), Span(span: 4, parent: 3, start: 40));

        Assert.Null(trace.Spans[0].Parent);
        Assert.Equal([SpanOddity.Cycle, SpanOddity.Cycle, SpanOddity.Cycle, SpanOddity.None], trace.Spans.Select(span => span.Oddity));
        Assert.Equal(4, Reachable(trace.Spans[0]));
    }

    [Fact]
    public void A_span_that_is_its_own_parent_is_a_cycle_of_one()
    {
        TraceSpan span = Assert.Single(Assemble(Span(span: 1, parent: 1)).Spans);

        Assert.Equal(SpanOddity.Cycle, span.Oddity);
        Assert.Null(span.Parent);
    }

    [Fact]
    public void Times_stay_as_recorded_however_odd()
    {
        Span backwards = Span(span: 1, start: 100);
        backwards.EndTimeUnixNano = 50;

        AssembledTrace trace = Assemble(backwards, Span(span: 2, parent: 1, start: 10, duration: 5));

        Assert.Equal(100UL, trace.Spans[1].StartTimeUnixNano);
        Assert.Equal(50UL, trace.Spans[1].EndTimeUnixNano);
        Assert.Equal(0UL, trace.Spans[1].DurationNanos);
        Assert.Equal((10UL, 50UL), (trace.StartTimeUnixNano, trace.EndTimeUnixNano));
    }

    [Fact]
    public void A_batch_of_several_traces_comes_apart()
    {
        SpanBatch batch = Decode(Span(trace: 1, span: 1), Span(trace: 2, span: 1), Span(trace: 1, span: 2));

        var traces = TraceAssembler.Assemble(batch, SpanContent.Whole(batch));

        Assert.Equal([1, 2], traces.Values.Select(trace => trace.Spans.Count).Order());
    }

    [Fact]
    public void A_hostile_trace_takes_no_hostile_time()
    {
        const int count = 20_000;
        Span[] ring = [.. Enumerable.Range(1, count).Select(i => Span(span: i, parent: (i % count) + 1))];
        Span[] same = [.. Enumerable.Range(1, count).Select(i => Span(span: 1, parent: 1, name: $"{i}"))];

        Assert.Equal(count, Assemble(ring).Spans.Count);
        Assert.Equal(count, Assemble(same).Spans.Count);
    }

    private static int Reachable(TraceSpan top) => 1 + top.Children.Sum(Reachable);

    private static int Number(TraceSpan span) => (int)(span.Id.Value & 0xFFFFFFFF);

    private static AssembledTrace Assemble(params Span[] spans)
    {
        SpanBatch batch = Decode(spans);
        return Assert.Single(TraceAssembler.Assemble(batch, SpanContent.Whole(batch))).Value;
    }

    private static SpanBatch Decode(params Span[] spans) => OtlpDecoder.DecodeAlone(Request(Resource("a", spans)).ToByteArray()).Spans;
}
