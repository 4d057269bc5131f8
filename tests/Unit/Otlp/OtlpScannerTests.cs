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
    public void An_empty_request_has_no_spans_and_no_fault() => Assert.Equal((0, null), (Scan([]).SpanCount, Scan([]).Malformed));

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
        OtlpScan scan = Scan("{\"resourceSpans\":[]}"u8);

        Assert.Equal(new MalformedRequest(2, "not protobuf (an unknown field can't be read)"), scan.Malformed); // { and " happen to be tags
    }

    [Fact]
    public void Damage_inside_a_request_is_refused_with_its_offset()
    {
        byte[] request = Request(Resource("a", Span())).ToByteArray();
        int name = request.AsSpan().IndexOf("GET /x"u8);
        request[name - 1] = 0xFF; // the length of the name

        OtlpScan scan = Scan(request);

        Assert.Equal(name - 1, scan.Malformed?.Offset);
    }

    [Fact]
    public void Every_truncation_is_either_refused_or_a_whole_smaller_request()
    {
        byte[] request = Request(Resource("a", Span(span: 1), Span(span: 2))).ToByteArray();
        for (int length = 0; length < request.Length; length++)
        {
            OtlpScan scan = Scan(request.AsSpan(0, length));
            bool parses = TryParse(request.AsSpan(0, length).ToArray());
            Assert.Equal(parses, scan.Malformed is null);
        }
    }

    [Fact]
    public void Millions_of_bad_spans_are_counted_and_ten_are_named()
    {
        byte[] scope = Field(2, [.. Enumerable.Repeat((byte[])[0x12, 0x00], 300_000).SelectMany(span => span)]); // empty spans
        byte[] request = Field(1, scope);

        OtlpScan scan = Scan(request);

        Assert.Equal((300_000, 300_000, 10), (scan.SpanCount, scan.Rejected.Count, scan.Rejected.Named.Count));
    }

    [Fact]
    public void A_request_of_more_spans_than_a_block_may_hold_is_refused()
    {
        byte[] scope = Field(2, [.. Enumerable.Repeat((byte[])[0x12, 0x00], OtlpLimits.MostSpans + 1).SelectMany(span => span)]);

        OtlpScan scan = Scan(Field(1, scope));

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

        Assert.Equal("attributes nest deeper than 64 messages", Assert.Single(scan.Rejected.Named).Reason);
    }

    [Fact]
    public void Each_limit_rejects_its_span_alone_with_its_own_reason()
    {
        var limits = new OtlpLimits { MaxAttributes = 3, MaxNestingDepth = 8, MaxValueBytes = 20 };
        Span many = Span(span: 1), manyInEvent = Span(span: 2), deep = Span(span: 3), longText = Span(span: 4), longName = Span(span: 5, name: new string('n', 21)), good = Span(span: 6);
        many.Attributes.Add(Enumerable.Range(0, 4).Select(i => Attribute($"k{i}", i)));
        manyInEvent.Events.Add(new Span.Types.Event { Attributes = { Enumerable.Range(0, 4).Select(i => Attribute($"k{i}", i)) } });
        var value = new AnyValue { IntValue = 1 };
        for (int depth = 0; depth < 4; depth++) value = new AnyValue { ArrayValue = new ArrayValue { Values = { value } } };
        deep.Attributes.Add(new KeyValue { Key = "deep", Value = value });
        longText.Status = new Status { Message = "123456789012345678901" };
        good.Attributes.Add(Enumerable.Range(0, 3).Select(i => Attribute($"k{i}", "12345678901234567890")));

        OtlpScan scan = OtlpScanner.Scan(Request(Resource("a", many, manyInEvent, deep, longText, longName, good)).ToByteArray(), limits);

        Assert.Equal([true, true, true, true, true, false], Enumerable.Range(0, 6).Select(scan.Rejected.Contains));
        Assert.Equal(
            [
                "attributes or a map's entries are more than 3", "attributes or a map's entries are more than 3", "attributes nest deeper than 8 messages",
                "a value is longer than 20 bytes", "a value is longer than 20 bytes",
            ],
            scan.Rejected.Named.Select(rejected => rejected.Reason));
        Assert.Equal((2, 1, 2, 0), (scan.Rejected.CountOf(RejectionReason.AttributeCount), scan.Rejected.CountOf(RejectionReason.NestingDepth), scan.Rejected.CountOf(RejectionReason.ValueLength), scan.Rejected.CountOf(RejectionReason.InvalidId)));
    }

    [Fact]
    public void A_resource_or_scope_over_a_limit_takes_its_spans_with_it_and_no_others()
    {
        var limits = new OtlpLimits { MaxAttributes = 2 };
        Span bad = Span(span: 2);
        bad.TraceId = ByteString.Empty;
        ResourceSpans manyInResource = Resource("a", Span(span: 1), bad, Span(span: 3)), manyInScope = Resource("b", Span(span: 4)), good = Resource("c", Span(span: 5));
        manyInResource.Resource.Attributes.Add(Attribute("third", 3));
        manyInScope.ScopeSpans[0].Scope.Attributes.Add(Enumerable.Range(0, 3).Select(i => Attribute($"k{i}", i)));
        manyInScope.ScopeSpans.Add(new ScopeSpans { Spans = { Span(span: 6) } });

        OtlpScan scan = OtlpScanner.Scan(Request(manyInResource, manyInScope, good).ToByteArray(), limits);

        Assert.Equal([true, true, true, true, false, false], Enumerable.Range(0, 6).Select(scan.Rejected.Contains));
        Assert.Equal((4, 1, 3), (scan.Rejected.Count, scan.Rejected.CountOf(RejectionReason.InvalidId), scan.Rejected.CountOf(RejectionReason.AttributeCount)));
        Assert.Equal("all spans of resource_spans[0]: of its resource, attributes or a map's entries are more than 2", scan.Rejected.Named[1].ToString());
        Assert.Equal("all spans of resource_spans[1].scope_spans[0]: of its scope, attributes or a map's entries are more than 2", scan.Rejected.Named[2].ToString());
    }

    private static OtlpScan Scan(ExportTraceServiceRequest request) => Scan(request.ToByteArray());

    private static OtlpScan Scan(ReadOnlySpan<byte> request) => OtlpScanner.Scan(request, new OtlpLimits());

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
