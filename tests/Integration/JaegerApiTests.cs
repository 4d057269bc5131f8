using System.Net;
using System.Text.Json.Nodes;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

public class JaegerApiTests(ServerFixture fixture)
{
    private const ulong Start = 1_760_000_000_123_456_789;
    private const long StartMicros = (long)(Start / 1000);

    private static readonly System.Text.Json.JsonSerializerOptions s_readable = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private TestServer Server => fixture.Server;

    [Fact]
    public async Task A_trace_is_told_in_jaegers_words()
    {
        Span span = Span(301, span: 2, parent: 1, start: Start);
        span.TraceState = "a=b";
        span.Status = new Status { Code = Status.Types.StatusCode.Error, Message = "broken" };
        span.Attributes.Add(
        [
            Attribute("text", "x"), Attribute("truth", true), Attribute("number", 5), Attribute("ratio", 0.5), Attribute("bytes", new byte[] { 1, 2 }),
            Attribute("large", long.MaxValue), new KeyValue { Key = "list", Value = new AnyValue { ArrayValue = new ArrayValue { Values = { Value("ä"), Value(1) } } } },
            new KeyValue { Key = "strindex", Value = new AnyValue { StringValueStrindex = 3 } },
        ]);
        span.Events.Add(new Span.Types.Event { TimeUnixNano = Start + 1_000, Name = "happened", Attributes = { Attribute("what", "it") } });
        span.Links.Add(new Span.Types.Link { TraceId = TraceId(9), SpanId = SpanId(9) });
        await StoreAsync(301, Span(301, span: 1, start: Start), span);

        JsonNode answer = await GetAsync($"/api/traces/{Hex(TraceId(301))}");

        Assert.Equal(["data", "total", "limit", "offset", "errors"], answer.AsObject().Select(field => field.Key));
        JsonNode trace = Assert.Single(answer["data"]!.AsArray())!;
        JsonNode told = trace["spans"]!.AsArray().Single(s => (string?)s!["spanID"] == Hex(SpanId(2)))!;
        Assert.Equal(Hex(TraceId(301)), (string?)told["traceID"]);
        Assert.Equal("GET /x", (string?)told["operationName"]);
        Assert.Equal(StartMicros, (long?)told["startTime"]);
        Assert.Equal(5_000, (long?)told["duration"]);
        Assert.Equal(
            [("CHILD_OF", Hex(TraceId(301)), Hex(SpanId(1))), ("FOLLOWS_FROM", Hex(TraceId(9)), Hex(SpanId(9)))],
            told["references"]!.AsArray().Select(r => ((string?)r!["refType"], (string?)r["traceID"], (string?)r["spanID"])));
        Assert.Equal(
            [
                "bytes:binary=\"AQI=\"", "error:bool=true", "large:int64=\"9223372036854775807\"", "list:string=\"[\\\"ä\\\",1]\"", "number:int64=5",
                "otel.scope.name:string=\"test.scope\"", "otel.scope.version:string=\"1.2.3\"", "otel.status_code:string=\"ERROR\"", "otel.status_description:string=\"broken\"",
                "ratio:float64=0.5", "span.kind:string=\"server\"", "strindex:string=\"\"", "text:string=\"x\"", "truth:bool=true", "w3c.tracestate:string=\"a=b\"",
            ],
            Tags(told["tags"]!));
        Assert.Equal(["event:string=\"happened\"", "what:string=\"it\""], Tags(told["logs"]![0]!["fields"]!));
        Assert.Equal(StartMicros + 1, (long?)told["logs"]![0]!["timestamp"]);
        JsonNode process = trace["processes"]![(string)told["processID"]!]!;
        Assert.Equal("jaeger-301", (string?)process["serviceName"]);
        Assert.Equal(["host.name:string=\"host-1\""], Tags(process["tags"]!));
    }

    [Fact]
    public async Task An_unknown_trace_is_not_found_in_the_envelope()
    {
        using HttpResponseMessage response = await Server.Jaeger.GetAsync("/api/traces/deadbeef", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        JsonNode answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        Assert.Null(answer["data"]);
        Assert.Equal("trace not found", (string?)answer["errors"]![0]!["msg"]);
        Assert.Equal(404, (int?)answer["errors"]![0]!["code"]);
    }

    [Theory]
    [InlineData("/api/traces/xyz", "Invalid trace ID 'xyz': 1 to 32 hexadecimal digits were expected.")]
    [InlineData("/api/traces", "parameter 'service' is required")]
    [InlineData("/api/operations", "parameter 'service' is required")]
    [InlineData("/api/traces?service=a&minDuration=x", "minDuration=x: a duration such as 100ms, 1.5s or 1h30m was expected.")]
    public async Task Bad_requests_are_told_in_the_envelope(string path, string message)
    {
        using HttpResponseMessage response = await Server.Jaeger.GetAsync(path, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(message, (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["errors"]![0]!["msg"]);
    }

    [Fact]
    public async Task Services_and_operations_are_listed()
    {
        Span client = Span(302, span: 2, name: "call / me");
        client.Kind = OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind.Client;
        await Server.Otlp.ExportAsync(Request(Resource("jaeger/302", Span(302, span: 1), client)));
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(302)), 2);

        JsonNode services = await GetAsync("/api/services");
        JsonNode names = await GetAsync("/api/services/jaeger%2F302/operations");
        JsonNode operations = await GetAsync("/api/operations?service=jaeger%2F302&spanKind=client");

        Assert.Contains("jaeger/302", services["data"]!.AsArray().Select(service => (string?)service));
        Assert.DoesNotContain("", services["data"]!.AsArray().Select(service => (string?)service));
        Assert.Equal(["GET /x", "call / me"], names["data"]!.AsArray().Select(name => (string?)name));
        Assert.Equal("[{\"name\":\"call / me\",\"spanKind\":\"client\"}]", operations["data"]!.ToJsonString());
    }

    [Fact]
    public async Task Lists_of_nothing_are_empty_not_null() => Assert.Empty((await GetAsync("/api/services/nobody/operations"))["data"]!.AsArray());

    [Theory]
    [InlineData("service=jaeger-303", true)]
    [InlineData("service=jaeger-303&operation=GET+%2Fx", true)]
    [InlineData("service=jaeger-303&operation=other", false)]
    [InlineData("service=jaeger-303&minDuration=5ms&maxDuration=5ms", true)]
    [InlineData("service=jaeger-303&minDuration=5.1ms", false)]
    [InlineData("service=jaeger-303&tag=http.status_code:500&tag=error:true", true)]
    [InlineData("service=jaeger-303&tags={\"http.status_code\":\"404\"}", false)]
    [InlineData("service=jaeger-303&tags={\"span.kind\":\"server\",\"host.name\":\"host-1\"}", true)]
    public async Task Search_finds_what_it_is_asked_for(string query, bool isFound)
    {
        Span span = Span(303, start: Start);
        span.Status = new Status { Code = Status.Types.StatusCode.Error };
        span.Attributes.Add(Attribute("http.status_code", 500));
        await StoreAsync(303, span);

        Assert.Equal(isFound ? 1 : 0, (await GetAsync($"/api/traces?{query}"))["data"]!.AsArray().Count);
    }

    [Fact]
    public async Task Search_keeps_to_times_and_limit_and_gives_whole_traces()
    {
        for (int i = 0; i < 3; i++)
        {
            await Server.Otlp.ExportAsync(Request(
                Resource("jaeger-304", Span(310 + i, span: 1, start: Start + ((ulong)i * 1_000_000))), Resource("jaeger-304-other", Span(310 + i, span: 2, parent: 1, start: Start))));
            await Server.Tempo.WaitForTraceAsync(Hex(TraceId(310 + i)), 2);
        }

        JsonNode middle = await GetAsync($"/api/traces?service=jaeger-304&start={StartMicros + 1000}&end={StartMicros + 1000}");
        JsonNode newest = await GetAsync("/api/traces?service=jaeger-304&limit=2");

        Assert.Equal([Hex(TraceId(311))], middle["data"]!.AsArray().Select(trace => (string?)trace!["traceID"]));
        Assert.Equal([Hex(TraceId(312)), Hex(TraceId(311))], newest["data"]!.AsArray().Select(trace => (string?)trace!["traceID"]));
        Assert.Equal(2, middle["data"]![0]!["spans"]!.AsArray().Count);
    }

    [Fact]
    public async Task Traces_can_be_asked_for_by_several_ids()
    {
        await StoreAsync(305, Span(305));
        await StoreAsync(306, Span(306));

        JsonNode answer = await GetAsync($"/api/traces?traceID={Hex(TraceId(306))}&traceID={Hex(TraceId(305))}&traceID=dead");

        Assert.Equal([Hex(TraceId(306)), Hex(TraceId(305))], answer["data"]!.AsArray().Select(trace => (string?)trace!["traceID"]));
    }

    [Fact]
    public async Task Odd_spans_carry_a_warning()
    {
        await StoreAsync(307, Span(307, span: 1), Span(307, span: 3, parent: 2));

        JsonNode trace = (await GetAsync($"/api/traces/{Hex(TraceId(307))}"))["data"]![0]!;

        Assert.Equal(
            [null, $"its parent span {Hex(SpanId(2))} is not in the trace (yet)"],
            trace["spans"]!.AsArray().OrderBy(span => (string?)span!["spanID"]).Select(span => (string?)span!["warnings"]?[0]));
    }

    private async Task StoreAsync(int trace, params Span[] spans)
    {
        await Server.Otlp.ExportAsync(Request(Resource($"jaeger-{trace}", spans)));
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(trace)), spans.Length);
    }

    private async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await Server.Jaeger.GetStringAsync(path))!;

    private static IEnumerable<string> Tags(JsonNode tags) => tags.AsArray()
        .Select(tag => $"{tag!["key"]}:{tag["type"]}={tag["value"]!.ToJsonString(s_readable)}")
        .Order(StringComparer.Ordinal);
}

/// <summary>The same of spans that aren't stored yet.</summary>
public sealed class RecentJaegerApiTests(RecentServerFixture fixture) : JaegerApiTests(fixture);
