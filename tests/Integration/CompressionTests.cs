using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

/// <summary>What is compressed counts to its last byte, over HTTP and gRPC: every member, or the request is refused. Nothing is dropped with an OK.</summary>
public class CompressionTests(ServerFixture fixture)
{
    private TestServer Server => fixture.Server;

    public static TheoryData<string, string, bool> Bodies => new()
    {
        { "gzip", "A", true },
        { "gzip", "A+A2", true },
        { "gzip", "A+A2+A3", true },
        { "gzip", "A+raw", false },
        { "gzip", "A+zlib", false },
        { "gzip", "A+damaged", false },
        { "gzip", "A+zeros", false },
        { "gzip", "A+garbage", false },
        { "gzip", "A cut", false },
        { "deflate", "Z", true },
        { "deflate", "Z+Z2", false },
        { "deflate", "Z+garbage", false },
        { "deflate", "Z cut", false },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task All_of_a_body_is_taken_or_none(string encoding, string body, bool isTaken)
    {
        int trace = 3_000 + Bodies.Select(row => row.Data.Item2).ToList().IndexOf(body);
        (byte[] bytes, int spans) = Make(trace, body);

        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/traces") { Content = new ByteArrayContent(bytes) { Headers = { { "Content-Type", "application/x-protobuf" }, { "Content-Encoding", encoding } } } };
        using HttpResponseMessage http = await Server.OtlpHttp.SendAsync(request, TestContext.Current.CancellationToken);
        string grpc = await ExportAsync(bytes, encoding);

        Assert.Equal((isTaken ? HttpStatusCode.OK : HttpStatusCode.BadRequest, isTaken ? "0" : "3"), (http.StatusCode, grpc));
        if (isTaken) Assert.Equal(spans, (await Server.Tempo.WaitForTraceAsync(Hex(TraceId(trace)), spans)).Sum(resource => resource.ScopeSpans.Sum(scope => scope.Spans.Count)));
    }

    [Theory]
    [InlineData(new byte[] { 2, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 5, 1 })]
    [InlineData(new byte[] { 0, 0, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 7 })]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 1, 0, 0, 0, 3, 1, 2, 3 })]
    public async Task A_grpc_message_that_is_none_is_the_callers_mistake(byte[] body) => Assert.Equal("3", await CallAsync(body, "gzip"));

    [Theory]
    [InlineData("{\"resource_spans\":[{}]}", "'resource_spans'")]
    [InlineData("{\"batches\":[]}", "'batches'")]
    [InlineData("{\"ResourceSpans\":[]}", "'ResourceSpans'")]
    public async Task Json_of_which_nothing_was_understood_is_taken_with_a_warning(string json, string field)
    {
        using HttpResponseMessage response = await Server.OtlpHttp.PostAsync("/v1/traces", new StringContent(json, new MediaTypeHeaderValue("application/json")), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        ExportTracePartialSuccess? warning = ExportTraceServiceResponse.Parser.ParseJson(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).PartialSuccess;
        Assert.Equal(0, warning?.RejectedSpans);
        Assert.Contains(field, warning!.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Protobuf_one_level_too_deep_or_too_high_is_no_success_without_a_word()
    {
        ExportTraceServiceRequest request = Request(Resource("level", Span(3_100)));
        foreach (byte[] wrong in (byte[][])[request.ResourceSpans[0].ToByteArray(), request.ResourceSpans[0].ScopeSpans[0].ToByteArray(), Wrap(request), Wrap(new ExportTraceServiceRequest())])
        {
            string said;
            try
            {
                said = (await Server.Otlp.ExportAsync(wrong)).PartialSuccess?.ErrorMessage ?? "";
            }
            catch (RpcException refused) when (refused.StatusCode == StatusCode.InvalidArgument)
            {
                said = refused.Status.Detail;
            }

            Assert.True(said.Length > 0 || wrong.Length == 2, $"{Convert.ToHexString(wrong)}: a success without a word");
        }
    }

    private static byte[] Wrap(ExportTraceServiceRequest request)
    {
        using var stream = new MemoryStream();
        using var output = new CodedOutputStream(stream);
        output.WriteTag(1, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(request.ToByteString());
        output.Flush();
        return stream.ToArray();
    }

    private static (byte[] Body, int Spans) Make(int trace, string body)
    {
        byte[] first = Part(trace, 1), second = Part(trace, 2), third = Part(trace, 3);
        byte[] member = Gzip(second);
        byte[] damaged = [0x1E, .. member[1..]];
        return body switch
        {
            "A" => (Gzip(first), 1),
            "A+A2" => ([.. Gzip(first), .. member], 2),
            "A+A2+A3" => ([.. Gzip(first), .. member, .. Gzip(third)], 3),
            "A+raw" => ([.. Gzip(first), .. second], 0),
            "A+zlib" => ([.. Gzip(first), .. Zlib(second)], 0),
            "A+damaged" => ([.. Gzip(first), .. damaged], 0),
            "A+zeros" => ([.. Gzip(first), .. new byte[512]], 0),
            "A+garbage" => ([.. Gzip(first), 1, 2, 3], 0),
            "A cut" => (Gzip(first)[..^3], 0),
            "Z" => (Zlib(first), 1),
            "Z+Z2" => ([.. Zlib(first), .. Zlib(second)], 0),
            "Z+garbage" => ([.. Zlib(first), 1, 2, 3, 4], 0),
            _ => (Zlib(first)[..^3], 0),
        };
    }

    /// <summary>Requests behind each other are one request: protobuf joins them.</summary>
    private static byte[] Part(int trace, int span) => Request(Resource("members", Span(trace, span))).ToByteArray();

    private static byte[] Gzip(byte[] bytes) => Compress(bytes, stream => new GZipStream(stream, CompressionLevel.Fastest));

    private static byte[] Zlib(byte[] bytes) => Compress(bytes, stream => new ZLibStream(stream, CompressionLevel.Fastest));

    private static byte[] Compress(byte[] bytes, Func<Stream, Stream> compress)
    {
        var compressed = new MemoryStream();
        using (Stream stream = compress(compressed)) stream.Write(bytes);
        return compressed.ToArray();
    }

    private Task<string> ExportAsync(byte[] message, string encoding) =>
        CallAsync([1, 0, 0, (byte)(message.Length >> 8), (byte)message.Length, .. message], encoding);

    /// <summary>Sends a body as a gRPC call, whatever it is, and returns the status.</summary>
    private async Task<string> CallAsync(byte[] body, string encoding)
    {
        using var http = new HttpClient { BaseAddress = Server.OtlpUrl };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        request.Headers.Add("grpc-encoding", encoding);
        using HttpResponseMessage response = await http.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();
        return response.Headers.TryGetValues("grpc-status", out IEnumerable<string>? early) ? early.Single() : response.TrailingHeaders.GetValues("grpc-status").Single();
    }
}
