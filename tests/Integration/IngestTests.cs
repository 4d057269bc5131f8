using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

public class IngestTests(ServerFixture fixture)
{
    private TestServer Server => fixture.Server;

    [Theory]
    [InlineData(false, 101)]
    [InlineData(true, 102)]
    public async Task An_accepted_span_comes_back(bool gzip, int trace)
    {
        ExportTraceServiceRequest request = Request(Resource("ingest", Span(trace, span: 1), Span(trace, span: 2, parent: 1)));

        ExportTraceServiceResponse response = await Server.Otlp.ExportAsync(request, gzip);

        Assert.Null(response.PartialSuccess);
        IReadOnlyList<ResourceSpans> stored = await Server.Tempo.WaitForTraceAsync(Hex(TraceId(trace)), spans: 2);
        Assert.Equal(OtlpEquality.Canonical(request), OtlpEquality.Canonical(stored));
    }

    [Fact]
    public async Task Text_that_is_not_utf8_is_shown_sanitised_and_found_by_what_is_shown()
    {
        Span span = Span(109, name: "XYZ");
        span.Attributes.Add([Attribute("text", "XYZ"), Attribute("XYZ", double.NaN), Attribute("repeated", "XYZ"), Attribute("repeated", "XYZ")]);
        byte[] request = Request(Resource("XYZ", span)).ToByteArray();
        for (int at; (at = request.AsSpan().IndexOf("XYZ"u8)) >= 0;) request[at] = 0xFF;
        await Server.Otlp.ExportAsync(request);
        string id = Hex(TraceId(109));

        byte[] stored = [];
        await Eventually.BeTrueAsync("the trace", async () =>
        {
            using HttpResponseMessage v1 = await Server.Tempo.GetProtobufAsync($"/api/traces/{id}");
            stored = await v1.Content.ReadAsByteArrayAsync();
            return v1.IsSuccessStatusCode;
        });
        string json = await Server.Tempo.GetStringAsync($"/api/v2/traces/{id}", TestContext.Current.CancellationToken);
        string jaeger = await Server.Jaeger.GetStringAsync($"/api/traces/{id}", TestContext.Current.CancellationToken);

        Assert.Equal(6, Count(stored, "\uFFFDYZ"u8)); // strict readers refuse anything else
        Assert.Contains("\"name\":\"\uFFFDYZ\"", json, StringComparison.Ordinal);
        string found = await Server.Tempo.GetStringAsync("/api/search?q=" + Uri.EscapeDataString("{resource.service.name=\"�YZ\" && name=\"�YZ\" && span.text=\"�YZ\"}"), TestContext.Current.CancellationToken);
        Assert.Contains(id, found, StringComparison.Ordinal);
        Assert.Contains("YZ", await Server.Jaeger.GetStringAsync($"/api/services/{Uri.EscapeDataString("\uFFFDYZ")}/operations", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Contains("YZ", System.Text.Json.Nodes.JsonNode.Parse(jaeger)!["data"]![0]!["spans"]![0]!["operationName"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_without_spans_succeeds() => Assert.Equal(new ExportTraceServiceResponse(), await Server.Otlp.ExportAsync([]));

    [Fact]
    public async Task A_bad_span_is_rejected_alone_with_the_reason()
    {
        Span bad = Span(103, span: 2, name: "bad");
        bad.SpanId = ByteString.Empty;

        ExportTraceServiceResponse response = await Server.Otlp.ExportAsync(Request(Resource("ingest", Span(103, span: 1), bad)));

        Assert.Equal(1, response.PartialSuccess.RejectedSpans);
        Assert.Equal(
            "Rejected 1 of 2 spans: resource_spans[0].scope_spans[0].spans[1] ('bad'): span_id has 0 bytes, must have 8",
            response.PartialSuccess.ErrorMessage);
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(103)), spans: 1);
    }

    [Fact]
    public async Task A_request_of_bad_spans_only_is_no_failure_of_the_call()
    {
        Span bad = Span(104);
        bad.TraceId = ByteString.CopyFrom(new byte[16]);

        ExportTraceServiceResponse response = await Server.Otlp.ExportAsync(Request(Resource("ingest", bad)));

        Assert.Equal(1, response.PartialSuccess.RejectedSpans);
        Assert.EndsWith("trace_id is all zero", response.PartialSuccess.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_that_are_not_protobuf_are_invalid_and_the_offset_is_named()
    {
        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => Server.Otlp.ExportAsync([0x0A, 0xFF, 1, 2]));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Equal("The request is not an ExportTraceServiceRequest: not protobuf (resource_spans can't be read) at offset 1.", refused.Status.Detail);
    }

    [Fact]
    public async Task A_large_request_within_the_limit_is_accepted_uncompressed()
    {
        IEnumerable<Span> large = Enumerable.Range(1, 20).Select(i =>
        {
            Span span = Span(108, span: i);
            span.Attributes.Add(Attribute("large", new string('x', 3 << 20)));
            return span;
        });

        Assert.Null((await Server.Otlp.ExportAsync(Request(Resource("ingest", large)))).PartialSuccess);
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(108)), spans: 20);
    }

    [Fact]
    public async Task A_request_over_the_size_limit_is_refused_for_good_also_after_decompression()
    {
        Span large = Span(105);
        large.Attributes.Add(Attribute("large", new string('x', 65 << 20)));

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => Server.Otlp.ExportAsync(Request(Resource("ingest", large)), gzip: true));

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Null(refused.GetRpcStatus()?.GetDetail<RetryInfo>());
    }

    [Fact]
    public async Task A_request_that_is_sent_again_is_acknowledged_and_stored_once()
    {
        ExportTraceServiceRequest request = Request(Resource("ingest", Span(106)));
        await Server.Otlp.ExportAsync(request);
        await Server.Otlp.ExportAsync(request);
        await Server.Otlp.ExportAsync(Request(Resource("ingest", Span(107)))); // behind both
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(107)), spans: 1);

        IReadOnlyList<ResourceSpans> stored = await Server.Tempo.ReadTraceAsync(Hex(TraceId(106)));

        Assert.Equal(OtlpEquality.Canonical(request), OtlpEquality.Canonical(stored));
    }

    [Fact]
    public async Task A_span_that_slipped_in_twice_is_shown_once()
    {
        await Server.Otlp.ExportAsync(Request(Resource("ingest", Span(110))));
        await Server.Otlp.ExportAsync(Request(Resource("ingest", Span(110), Span(111)))); // other bytes, the same span
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(111)), spans: 1);

        IReadOnlyList<ResourceSpans> stored = await Server.Tempo.ReadTraceAsync(Hex(TraceId(110)));

        Assert.Equal(OtlpEquality.Canonical(Request(Resource("ingest", Span(110)))), OtlpEquality.Canonical(stored));
    }

    private static int Count(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> pattern)
    {
        int count = 0;
        for (int at; (at = bytes.IndexOf(pattern)) >= 0; bytes = bytes[(at + 1)..]) count++;
        return count;
    }
}
