using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Load;
using ZstdSharp;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

/// <summary>OTLP over HTTP by its specification (OTLP 1.11, "OTLP/HTTP").</summary>
public class OtlpHttpTests
{
    private const string Protobuf = "application/x-protobuf";
    private const string Json = "application/json";

    [Theory]
    [InlineData(Protobuf)]
    [InlineData("application/protobuf")]
    [InlineData(Json)]
    [InlineData("Application/JSON; charset=utf-8")]
    public async Task Spans_come_back_equal_whatever_the_encoding_and_compression(string contentType)
    {
        await using TestServer server = await TestServer.StartAsync();
        int trace = 2000;
        foreach (string compression in (string[])["", "identity", "gzip", "deflate", "zstd", "GZIP"])
        {
            ExportTraceServiceRequest request = Request(Resource("http", Span(++trace, span: 1), Span(trace, span: 2)));

            using HttpResponseMessage response = await server.OtlpHttp.SendAsync(Post(Encode(request, contentType), contentType, compression));

            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(IsJson(contentType) ? Json : Protobuf, response.Content.Headers.ContentType!.ToString());
            Assert.Equal(IsJson(contentType) ? "{ }" : "", await response.Content.ReadAsStringAsync());
            Assert.Equal(OtlpEquality.Canonical(request), OtlpEquality.Canonical(await server.Tempo.WaitForTraceAsync(Hex(TraceId(trace)), 2)));
        }
    }

    [Fact]
    public async Task A_body_of_unknown_length_is_taken()
    {
        await using TestServer server = await TestServer.StartAsync();
        using HttpRequestMessage request = Post(Request(Resource("chunked", Span(2101))).ToByteArray(), Protobuf);
        request.Headers.TransferEncodingChunked = true;

        using HttpResponseMessage response = await server.OtlpHttp.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(2101)), 1);
    }

    [Fact]
    public async Task Rejected_spans_are_told_in_the_requests_encoding()
    {
        await using TestServer server = await TestServer.StartAsync();
        Span bad = Span(2201, span: 1);
        bad.SpanId = ByteString.Empty;
        ExportTraceServiceRequest request = Request(Resource("partial", bad, Span(2201, span: 2)));

        using HttpResponseMessage json = await server.OtlpHttp.SendAsync(Post(Encode(request, Json), Json));
        JsonNode partial = JsonNode.Parse(await json.Content.ReadAsStringAsync())!["partialSuccess"]!;
        Assert.Equal("1", (string)partial["rejectedSpans"]!);
        Assert.Contains("span_id has 0 bytes", (string)partial["errorMessage"]!, StringComparison.Ordinal);

        using HttpResponseMessage protobuf = await server.OtlpHttp.SendAsync(Post(request.ToByteArray(), Protobuf));
        Assert.Equal(1, ExportTraceServiceResponse.Parser.ParseFrom(await protobuf.Content.ReadAsByteArrayAsync()).PartialSuccess.RejectedSpans);
        Assert.Single(await server.Tempo.WaitForTraceAsync(Hex(TraceId(2201)), 1)); // stored once: the two were one request
    }

    [Fact]
    public async Task Every_refusal_says_why_in_the_requests_encoding()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Otlp:MaxRequestBytes", "64KiB"));
        byte[] large = Request(Resource("large", Enumerable.Range(1, 2_000).Select(span => Span(2301, span)))).ToByteArray();

        await AssertRefusedAsync(Post([0xFF], Protobuf), HttpStatusCode.BadRequest, Protobuf, "The request is not an ExportTraceServiceRequest: not protobuf");
        await AssertRefusedAsync(Post("{\"resourceSpans\":7}"u8.ToArray(), Json), HttpStatusCode.BadRequest, Json, "expected an array in resourceSpans");
        await AssertRefusedAsync(Post("[]"u8.ToArray(), "text/plain"), HttpStatusCode.UnsupportedMediaType, Json, "Content-Type 'text/plain' is not OTLP");
        await AssertRefusedAsync(Encoded(Post([1], Protobuf), "br"), HttpStatusCode.UnsupportedMediaType, Protobuf, "Content-Encoding 'br' is not supported");
        await AssertRefusedAsync(Encoded(Post([1, 2, 3], Json), "gzip"), HttpStatusCode.BadRequest, Json, "isn't what Content-Encoding");
        await AssertRefusedAsync(Encoded(Post([1, 2, 3], Protobuf), "zstd"), HttpStatusCode.BadRequest, Protobuf, "isn't what Content-Encoding");
        await AssertRefusedAsync(Post(large, Protobuf), HttpStatusCode.RequestEntityTooLarge, Protobuf, "larger than 65536 bytes");
        foreach (string compression in (string[])["gzip", "deflate", "zstd"])
        {
            await AssertRefusedAsync(Post(large, Protobuf, compression), HttpStatusCode.RequestEntityTooLarge, Protobuf, "larger than 65536 bytes");
        }

        await server.Tempo.WaitForMetricAsync("tracestore_ingest_requests_rejected_total", value => value == 4, "reason=\"request_size\"");
        await AssertRefusedAsync(new HttpRequestMessage(HttpMethod.Post, "/v1/metrics"), HttpStatusCode.NotFound, Json, "TraceStore takes traces");
        using HttpResponseMessage get = await server.OtlpHttp.GetAsync("/v1/traces");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, get.StatusCode);

        async Task AssertRefusedAsync(HttpRequestMessage request, HttpStatusCode code, string contentType, string why)
        {
            using HttpResponseMessage response = await server.OtlpHttp.SendAsync(request);
            byte[] body = await response.Content.ReadAsByteArrayAsync();
            Google.Rpc.Status status = contentType == Json ? Google.Rpc.Status.Parser.ParseJson(Encoding.UTF8.GetString(body)) : Google.Rpc.Status.Parser.ParseFrom(body);
            Assert.Equal((code, contentType), (response.StatusCode, response.Content.Headers.ContentType!.ToString()));
            Assert.Contains(why, status.Message, StringComparison.Ordinal);
            request.Dispose();
        }
    }

    /// <summary>.NET's own streams take an early end for the end, unless they are told.</summary>
    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("zstd")]
    public async Task A_truncated_body_is_refused_wherever_it_was_cut(string compression)
    {
        await using TestServer server = await TestServer.StartAsync();
        byte[] whole = Compress(Request(Resource("cut", Span(2401))).ToByteArray(), compression);
        for (int length = 0; length < whole.Length; length++)
        {
            using HttpResponseMessage response = await server.OtlpHttp.SendAsync(Encoded(Post(whole[..length], Protobuf), compression));
            Assert.Equal((length, HttpStatusCode.BadRequest), (length, response.StatusCode));
        }
    }

    [Fact]
    public async Task A_truncated_message_by_grpc_is_refused_too()
    {
        await using TestServer server = await TestServer.StartAsync();
        byte[] cut = Compress(Request(Resource("cut", Span(2402))).ToByteArray(), "gzip")[..12];
        using var http = new HttpClient { BaseAddress = server.OtlpUrl, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/opentelemetry.proto.collector.trace.v1.TraceService/Export") { Content = new ByteArrayContent([1, 0, 0, 0, (byte)cut.Length, .. cut]) };
        (request.Version, request.VersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.Add("grpc-encoding", "gzip");

        using HttpResponseMessage response = await http.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();

        string status = response.Headers.TryGetValues("grpc-status", out IEnumerable<string>? early) ? early.Single() : response.TrailingHeaders.GetValues("grpc-status").Single();
        Assert.NotEqual("0", status);
    }

    [Fact]
    public async Task What_is_too_large_as_protobuf_is_refused_though_its_json_was_small_enough()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Otlp:MaxRequestBytes", "64KiB"));
        string spans = string.Join(',', Enumerable.Repeat("{\"traceId\":\"x\"}", 3_500));
        byte[] json = Encoding.UTF8.GetBytes($"{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{spans}]}}]}}]}}");
        Assert.InRange(json.Length, 1, 64 << 10);

        using HttpResponseMessage response = await server.OtlpHttp.SendAsync(Post(json, Json));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task Overload_is_retryable_and_says_when()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Otlp:MaxBytesInFlight", "1MiB"));
        ExportTraceServiceRequest request = Request(Resource("overload", Enumerable.Range(1, 50_000).Select(span => Span(2501, span))));
        Assert.InRange(request.CalculateSize(), 2 << 20, 64 << 20);

        using HttpResponseMessage response = await server.OtlpHttp.SendAsync(Post(request.ToByteArray(), Protobuf));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter!.Delta);
        await server.Tempo.WaitForMetricAsync("tracestore_ingest_requests_refused_total", value => value == 1, "reason=\"client_memory\"");
    }

    [Fact]
    public async Task The_same_request_by_grpc_and_http_is_stored_once()
    {
        await using TestServer server = await TestServer.StartAsync();
        byte[] request = Request(Resource("twice", Span(2601))).ToByteArray();

        await server.Otlp.ExportAsync(request);
        using HttpResponseMessage response = await server.OtlpHttp.SendAsync(Post(request, Protobuf));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await server.Tempo.WaitForTraceAsync(Hex(TraceId(2601)), 1);
        await server.Tempo.WaitForEmptyLogAsync();
        Assert.Equal("1", await server.AskEngineAsync("SELECT count() FROM tracestore.spans"));
    }

    [Theory]
    [InlineData("http://localhost:5173", "", true)]
    [InlineData("https://shop.example", "", false)]
    [InlineData("https://shop.example", "https://shop.example, https://other.example", true)]
    [InlineData("https://shop.example.evil", "https://shop.example", false)]
    [InlineData("https://anywhere.example", "*", true)]
    [InlineData("http://app.localhost:3000", "", true)]
    [InlineData("http://127.0.0.1:8080", "", true)]
    [InlineData("http://localhost.evil.example", "", false)]
    [InlineData("chrome-extension://localhost", "", false)]
    public async Task Browsers_may_send_from_pages_of_this_machine_and_those_that_are_named(string origin, string setting, bool mayIt)
    {
        await using TestServer server = await TestServer.StartAsync(null, setting.Length == 0 ? [] : [("Otlp:CorsOrigins", setting)]);
        using var preflight = new HttpRequestMessage(HttpMethod.Options, "/v1/traces");
        preflight.Headers.Add("Origin", origin);
        preflight.Headers.Add("Access-Control-Request-Method", "POST");
        preflight.Headers.Add("Access-Control-Request-Headers", "content-type,x-custom");

        using HttpResponseMessage answer = await server.OtlpHttp.SendAsync(preflight);
        using HttpRequestMessage post = Post(Encode(Request(Resource("browser", Span(2701))), Json), Json);
        post.Headers.Add("Origin", origin);
        using HttpResponseMessage sent = await server.OtlpHttp.SendAsync(post);

        foreach (HttpResponseMessage response in (HttpResponseMessage[])[answer, sent])
        {
            Assert.Equal(mayIt, response.Headers.TryGetValues("Access-Control-Allow-Origin", out IEnumerable<string>? allowed) && allowed.Single() == origin);
        }

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(mayIt, answer.Headers.Contains("Access-Control-Allow-Headers"));
    }

    private static byte[] Encode(ExportTraceServiceRequest request, string contentType) => IsJson(contentType) ? OtlpJson.Encode(request) : request.ToByteArray();

    private static bool IsJson(string contentType) => contentType.Contains("json", StringComparison.OrdinalIgnoreCase);

    private static HttpRequestMessage Post(byte[] body, string contentType, string compression = "")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/traces") { Content = new ByteArrayContent(Compress(body, compression)) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        return Encoded(request, compression);
    }

    private static HttpRequestMessage Encoded(HttpRequestMessage request, string compression)
    {
        if (compression != "") request.Content!.Headers.ContentEncoding.Add(compression);
        return request;
    }

    private static byte[] Compress(byte[] body, string compression)
    {
        using var output = new MemoryStream();
        using (Stream? stream = compression.ToUpperInvariant() switch
        {
            "GZIP" => new GZipStream(output, CompressionLevel.Fastest),
            "DEFLATE" => new ZLibStream(output, CompressionLevel.Fastest),
            "ZSTD" => new CompressionStream(output),
            _ => null,
        })
        {
            if (stream is null) return body;
            stream.Write(body);
        }

        return output.ToArray();
    }
}
