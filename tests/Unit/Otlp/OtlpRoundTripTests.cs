using CsCheck;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Unit.Otlp;

public class OtlpRoundTripTests
{
    [Fact]
    public void Any_valid_request_comes_back_from_columns_as_it_was() =>
        Any.Sample(request => Assert.Equal(OtlpEquality.Canonical(request), OtlpEquality.Canonical(ColumnRoundTrip.Through(request.ToByteArray()))), iter: 3_000);

    [Fact]
    public void Any_valid_request_passes_the_scan() =>
        Any.Sample(
            request =>
            {
                OtlpScan scan = OtlpScanner.Scan(request.ToByteArray(), new OtlpLimits());
                Assert.Null(scan.Malformed);
                Assert.Equal(0, scan.Rejected.Count);
                Assert.Equal(OtlpEquality.Canonical(request).Count, scan.SpanCount);
            },
            iter: 3_000);

    [Fact]
    public void Unknown_fields_survive()
    {
        byte[] span = [.. Span().ToByteArray(), 0xA2, 0x06, 3, (byte)'n', (byte)'e', (byte)'w']; // field 100

        byte[] scope = Field(2, span);
        byte[] request = Field(1, [.. Resource("a").ToByteArray(), .. Field(2, scope)]);

        Assert.Equal(OtlpEquality.Canonical(ExportTraceServiceRequest.Parser.ParseFrom(request)), OtlpEquality.Canonical(ColumnRoundTrip.Through(request)));
    }

    [Fact]
    public void Of_a_repeated_status_the_last_counts_as_generated_classes_have_it()
    {
        byte[] error = [0x18, 2, 0xA0, 0x06, 1]; // code ERROR, and an unknown field
        byte[] ok = [0x18, 1];
        byte[] span = [.. Span().ToByteArray(), .. Field(15, error), .. Field(15, ok)];
        byte[] request = Field(1, [.. Resource("a").ToByteArray(), .. Field(2, Field(2, span))]);

        ExportTraceServiceRequest expected = ExportTraceServiceRequest.Parser.ParseFrom(request);
        Assert.Equal(Status.Types.StatusCode.Ok, expected.ResourceSpans[0].ScopeSpans[1].Spans[0].Status.Code);
        Assert.Equal(OtlpEquality.Canonical(expected), OtlpEquality.Canonical(ColumnRoundTrip.Through(request)));
    }

    [Fact]
    public void Text_that_is_not_utf8_stays_the_same_bytes()
    {
        byte[] request = Request(Resource("a", Span(name: "XYZ"))).ToByteArray();
        request[request.AsSpan().IndexOf("XYZ"u8)] = 0xFF;

        DecodedSegment decoded = Decode(request);

        Assert.Equal([0xFF, (byte)'Y', (byte)'Z'], decoded.Spans.Name[0].ToArray());
    }

    [Fact]
    public void Very_long_names_come_back_whole_though_columns_hold_their_start()
    {
        string name = new('n', 2 * ListedText.MaxBytes), service = new('s', 2 * ListedText.MaxBytes), key = new('k', 2 * ListedText.MaxBytes);
        Span span = Span(name: name);
        span.Attributes.Add(Attribute(key, "value"));
        ResourceSpans resource = Resource(service, span);
        resource.ScopeSpans[0].Scope = new InstrumentationScope { Name = name, Version = service };
        ExportTraceServiceRequest request = Request(resource);

        DecodedSegment decoded = Decode(request.ToByteArray());

        Assert.Equal(OtlpEquality.Canonical(request), OtlpEquality.Canonical(ColumnRoundTrip.Through(request.ToByteArray())));
        Assert.All(
            (DictionaryColumn[])[decoded.Spans.Name, decoded.Spans.Service, decoded.Resources.Service, decoded.Scopes.Name, decoded.Scopes.Version, decoded.Operations.Name, decoded.Operations.Service],
            column => Assert.Equal(ListedText.MaxBytes, column[0].Length));
        Assert.All(decoded.Spans.Attributes.All.OfType<MapColumn>(), map => Assert.Equal(-1, map.Keys.Values.Count == 0 ? -1 : map.Keys.Values[0].IndexOf("kk"u8)));
    }

    [Fact]
    public void The_service_is_unknown_where_the_resource_does_not_name_one()
    {
        ResourceSpans resource = Resource("ignored", Span());
        resource.Resource.Attributes.Clear();

        Assert.Equal("unknown_service"u8, Decode(Request(resource).ToByteArray()).Spans.Service[0]);
    }

    [Fact]
    public void Equal_resources_and_scopes_are_kept_once()
    {
        DecodedSegment decoded = Decode(Request(Resource("a", Span(span: 1)), Resource("a", Span(span: 2)), Resource("b", Span(span: 3))).ToByteArray());

        Assert.Equal(2, decoded.Resources.Count);
        Assert.Equal(1, decoded.Scopes.Count);
        Assert.Equal(2, decoded.Operations.Count);
        Assert.Equal(decoded.Spans.ResourceHash(0), decoded.Spans.ResourceHash(1));
    }

    [Fact]
    public void A_string_that_comes_again_is_common_from_then_on_and_one_that_comes_once_is_not()
    {
        Span[] spans = [.. Enumerable.Range(1, 3).Select(number => Span(span: number))];
        foreach (Span span in spans)
        {
            span.Attributes.Add(Attribute("id", $"only {Hex(span.SpanId)}"));
            span.Attributes.Add(Attribute("method", "GET"));
        }

        AttributeColumns attributes = Decode(Request(Resource("a", spans)).ToByteArray()).Spans.Attributes;

        Assert.Equal([2, 3, 4], attributes.Strings.Ends.Values.ToArray().Select(end => (int)end));
        Assert.Equal([0, 1, 2], attributes.CommonStrings.Ends.Values.ToArray().Select(end => (int)end));
        Assert.Equal("method"u8, attributes.CommonStrings.Keys[1]);
        Assert.Equal("GET"u8, attributes.CommonStrings.Values[1]);
    }

    [Fact]
    public void A_segment_is_the_same_columns_whatever_was_decoded_before_it() =>
        Gen.Select(Any, Any).Sample(
            (before, request) =>
            {
                var output = new DecodedSegment();
                var decoder = new OtlpDecoder(output);
                foreach (ExportTraceServiceRequest next in (ExportTraceServiceRequest[])[before, request])
                {
                    decoder.Begin(wal: 1, segment: 2, new DateOnly(2026, 11, 22));
                    decoder.Decode(next.ToByteArray(), tenant: []);
                }

                Assert.Equal(Block(Decode(request.ToByteArray())), Block(output));
            },
            iter: 500);

    [Fact]
    public void A_span_is_the_same_bytes_whatever_came_before_it_in_its_segment() =>
        Any.Sample(
            request =>
            {
                var output = new DecodedSegment();
                var decoder = new OtlpDecoder(output);
                decoder.Begin(wal: 1, segment: 2, new DateOnly(2026, 11, 22));
                for (int time = 0; time < 2; time++) decoder.Decode(request.ToByteArray(), tenant: []);

                int spans = output.Spans.Count / 2;
                var first = new OtlpSpanWriter();
                var second = new OtlpSpanWriter();
                for (int row = 0; row < spans; row++) Assert.Equal(first.Write(output.Spans, row), second.Write(output.Spans, spans + row));
            },
            iter: 1_000);

    [Fact]
    public void A_long_string_is_not_common_however_often_it_comes()
    {
        Span[] spans = [.. Enumerable.Range(1, 3).Select(number => Span(span: number))];
        foreach (Span span in spans) span.Attributes.Add([Attribute("long", new string('x', 257)), Attribute("short", new string('x', 256))]);

        AttributeColumns attributes = Decode(Request(Resource("a", spans)).ToByteArray()).Spans.Attributes;

        Assert.Equal(2, attributes.CommonStrings.Keys.Count);
        Assert.Equal("short"u8, attributes.CommonStrings.Keys[0]);
    }

    /// <summary>
    /// A segment decoded again, by whatever process, must be the same block, for its token tells a repeated insert. If this
    /// hash changes, segments in doubt at an upgrade are told by looking alone.
    /// </summary>
    [Fact]
    public void Every_process_makes_the_same_block_of_a_segment()
    {
        Span[] spans = [.. Enumerable.Range(1, 9_000).Select(number => Span(span: number))];
        for (int number = 0; number < spans.Length; number++)
        {
            spans[number].Attributes.Add([Attribute("twice", $"{number / 2}"), Attribute("now and then", $"{number % 5_000}")]);
            spans[number].Attributes.Add(Enumerable.Range(0, 10).Select(once => Attribute($"once {once}", $"{number} {once}")));
        }

        DecodedSegment segment = Decode(Request(Resource("a", spans)).ToByteArray());

        Assert.Equal(4_096, segment.Spans.Attributes.CommonStrings.Values.Values.Count);
        Assert.Equal("c6899c8d92ffe987", $"{System.IO.Hashing.XxHash3.HashToUInt64(Block(segment)):x16}");
    }

    [Fact]
    public void Without_its_rejected_spans_a_request_keeps_everything_else()
    {
        Span bad = Span(span: 2);
        bad.TraceId = ByteString.Empty;
        ExportTraceServiceRequest mixed = Request(Resource("a", Span(span: 1), bad), Resource("b", bad.Clone(), Span(span: 3)), Resource("has none left", bad.Clone()));
        byte[] bytes = mixed.ToByteArray();

        byte[] filtered = OtlpSpanFilter.Without(bytes, OtlpScanner.Scan(bytes, new OtlpLimits()).Rejected);

        Assert.Equal(Request(Resource("a", Span(span: 1)), Resource("b", Span(span: 3))), ExportTraceServiceRequest.Parser.ParseFrom(filtered));
    }

    private static byte[] Field(int number, byte[] content)
    {
        var writer = new WireWriter();
        writer.Bytes(number, content);
        return writer.Written.ToArray();
    }

    private static byte[] Block(DecodedSegment segment)
    {
        var block = new ByteList();
        NativeBlockWriter.Write(SpanColumns.Spans, segment.Spans, block);
        return block.All.ToArray();
    }

    private static DecodedSegment Decode(byte[] request) => OtlpDecoder.DecodeAlone(request, wal: 1, segment: 2, new DateOnly(2026, 11, 22));
}
