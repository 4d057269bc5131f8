using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Storage.Otlp;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Unit.Otlp;

public class OtlpScannerTests
{
    [Fact]
    public void A_good_request_is_counted_and_nothing_is_rejected()
    {
        OtlpScan scan = Scan(Request(Resource("a", Span(span: 1), Span(span: 2)), Resource("b", Span(span: 3))));

        Assert.Equal(3, scan.SpanCount);
        Assert.Equal(0, scan.Rejected.Count);
        Assert.Null(scan.Malformed);
    }

    [Fact]
    public void An_empty_request_has_no_spans_and_no_fault() => Assert.Equal((0, null), (OtlpScanner.Scan([]).SpanCount, OtlpScanner.Scan([]).Malformed));

    [Theory]
    [InlineData("", "trace_id has 0 bytes, must have 16")]
    [InlineData("aabb", "trace_id has 2 bytes, must have 16")]
    [InlineData("00000000000000000000000000000000", "trace_id is all zero")]
    [InlineData("0102030405060708090a0b0c0d0e0f1011", "trace_id has 17 bytes, must have 16")]
    public void A_bad_trace_id_rejects_its_span_alone(string traceId, string reason)
    {
        Span bad = Span(span: 2, name: "bad one");
        bad.TraceId = ByteString.CopyFrom(Convert.FromHexString(traceId));

        OtlpScan scan = Scan(Request(Resource("a", Span(span: 1), bad, Span(span: 3))));

        RejectedSpan rejected = Assert.Single(scan.Rejected.Named);
        Assert.Equal([false, true, false], Enumerable.Range(0, 3).Select(scan.Rejected.Contains));
        Assert.Equal($"resource_spans[0].scope_spans[0].spans[1] ('bad one', span_id bbbbbbbb00000002): {reason}", rejected.ToString());
        Assert.Equal(2, scan.AcceptedSpans);
    }

    [Theory]
    [InlineData("", "span_id has 0 bytes, must have 8")]
    [InlineData("0000000000000000", "span_id is all zero")]
    [InlineData("30313233343536373839616263646566", "span_id has 16 bytes, must have 8")]
    public void A_bad_span_id_rejects_its_span_alone(string spanId, string reason)
    {
        Span bad = Span();
        bad.SpanId = ByteString.CopyFrom(Convert.FromHexString(spanId));

        Assert.Equal(reason, Assert.Single(Scan(Request(Resource("a", bad))).Rejected.Named).Reason);
    }

    [Fact]
    public void A_parent_id_of_another_length_rejects_its_span()
    {
        Span bad = Span();
        bad.ParentSpanId = ByteString.CopyFrom(1, 2, 3);

        Assert.Equal("parent_span_id has 3 bytes, must have 8 or none", Assert.Single(Scan(Request(Resource("a", bad))).Rejected.Named).Reason);
    }

    [Fact]
    public void Bytes_that_are_not_protobuf_are_refused_with_their_offset()
    {
        OtlpScan scan = OtlpScanner.Scan("{\"resourceSpans\":[]}"u8);

        Assert.Equal(new MalformedRequest(2, "not protobuf (an unknown field can't be read)"), scan.Malformed); // { and " happen to be tags
    }

    [Fact]
    public void Damage_inside_a_request_is_refused_with_its_offset()
    {
        byte[] request = Request(Resource("a", Span())).ToByteArray();
        int name = request.AsSpan().IndexOf("GET /x"u8);
        request[name - 1] = 0xFF; // the length of the name

        OtlpScan scan = OtlpScanner.Scan(request);

        Assert.Equal(name - 1, scan.Malformed?.Offset);
    }

    [Fact]
    public void Every_truncation_is_either_refused_or_a_whole_smaller_request()
    {
        byte[] request = Request(Resource("a", Span(span: 1), Span(span: 2))).ToByteArray();
        for (int length = 0; length < request.Length; length++)
        {
            OtlpScan scan = OtlpScanner.Scan(request.AsSpan(0, length));
            bool parses = TryParse(request.AsSpan(0, length).ToArray());
            Assert.Equal(parses, scan.Malformed is null);
        }
    }

    [Fact]
    public void Millions_of_bad_spans_are_counted_and_ten_are_named()
    {
        byte[] scope = Field(2, [.. Enumerable.Repeat((byte[])[0x12, 0x00], 300_000).SelectMany(span => span)]); // empty spans
        byte[] request = Field(1, scope);

        OtlpScan scan = OtlpScanner.Scan(request);

        Assert.Equal((300_000, 300_000, 10), (scan.SpanCount, scan.Rejected.Count, scan.Rejected.Named.Count));
    }

    [Fact]
    public void A_request_of_more_spans_than_a_block_may_hold_is_refused()
    {
        byte[] scope = Field(2, [.. Enumerable.Repeat((byte[])[0x12, 0x00], OtlpScanner.MaxSpans + 1).SelectMany(span => span)]);

        OtlpScan scan = OtlpScanner.Scan(Field(1, scope));

        Assert.Equal("more than 500000 spans in one request", scan.Malformed?.Reason);
    }

    [Fact]
    public void Attributes_without_end_reject_their_span_and_do_not_overflow_the_stack()
    {
        var value = new AnyValue { IntValue = 1 };
        for (int depth = 0; depth < 5_000; depth++) value = new AnyValue { ArrayValue = new ArrayValue { Values = { value } } };
        Span deep = Span();
        deep.Attributes.Add(new KeyValue { Key = "deep", Value = value });

        OtlpScan scan = Scan(Request(Resource("a", Span(span: 2), deep)));

        Assert.Equal("its attributes nest deeper than 64 messages", Assert.Single(scan.Rejected.Named).Reason);
    }

    private static OtlpScan Scan(ExportTraceServiceRequest request) => OtlpScanner.Scan(request.ToByteArray());

    private static byte[] Field(int number, byte[] content)
    {
        var writer = new WireWriter();
        writer.Bytes(number, content);
        return writer.Written.ToArray();
    }

    private static bool TryParse(byte[] request)
    {
        try
        {
            ExportTraceServiceRequest.Parser.ParseFrom(request);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            return false;
        }
    }
}
