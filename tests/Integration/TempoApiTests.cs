using System.Net;
using System.Text.Json.Nodes;
using TraceStore.Query.Encoding.Tempo;
using static TraceStore.Tests.OtlpSamples;
using Span = OpenTelemetry.Proto.Trace.V1.Span;
using Status = OpenTelemetry.Proto.Trace.V1.Status;

namespace TraceStore.Tests.Integration;

public class TempoApiTests(ServerFixture fixture)
{
    private const ulong Start = 1_750_000_000_000_000_000;

    private TestServer Server => fixture.Server;

    [Fact]
    public async Task Echo_ready_and_buildinfo_answer_as_tempos_do()
    {
        Assert.Equal("echo", await Server.Tempo.GetStringAsync("/api/echo"));
        await Eventually.BeTrueAsync("readiness", () => Server.Tempo.IsUpAsync("/ready"));
        JsonNode info = await GetJsonAsync("/api/status/buildinfo");
        Assert.Equal(["version", "revision", "branch", "buildDate", "buildUser", "goVersion"], info.AsObject().Select(field => field.Key));
    }

    [Fact]
    public async Task An_unknown_trace_is_an_empty_one_in_v2_and_not_found_in_v1()
    {
        using HttpResponseMessage v2 = await Server.Tempo.GetProtobufAsync("/api/v2/traces/deadbeef");
        using HttpResponseMessage v1 = await Server.Tempo.GetProtobufAsync("/api/traces/deadbeef");

        Assert.Equal(HttpStatusCode.OK, v2.StatusCode);
        TraceByIDResponse response = TraceByIDResponse.Parser.ParseFrom(await v2.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.NotNull(response.Trace); // Grafana reads it without looking
        Assert.Empty(response.Trace.ResourceSpans);
        Assert.Equal(HttpStatusCode.NotFound, v1.StatusCode);
        Assert.Empty(await v1.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("/api/v2/traces/xyz", "Invalid trace ID 'xyz': 1 to 32 hexadecimal digits were expected.")]
    [InlineData("/api/traces/xyz", "Invalid trace ID 'xyz': 1 to 32 hexadecimal digits were expected.")]
    [InlineData("/api/v2/traces/1?start=5", "start and end go together: both, or neither.")]
    [InlineData("/api/search?q={", "Invalid TraceQL query, line 1, column 2: a field or a value was expected, not the end of the query.\n{\n ^")]
    [InlineData("/api/search?q={name=~%22a(%22}", "Invalid TraceQL query, line 1, column 8: 'a(' is no regular expression (in Go's dialect, RE2): a bracket isn't closed.\n{name=~\"a(\"}\n       ^")]
    [InlineData("/api/search?q={}|rate()", "Invalid TraceQL query, line 1, column 1: a search gives traces, and this query series of numbers.\n{}|rate()\n^")]
    [InlineData("/api/search?limit=0", "limit=0: a whole number from 1 to 1000 was expected.")]
    public async Task Bad_requests_are_answered_in_plain_words(string path, string message)
    {
        using HttpResponseMessage response = await Server.Tempo.GetAsync(path, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        string answer = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal(message, answer);
    }

    [Fact]
    public async Task Json_has_ids_in_base64_enums_by_name_and_large_numbers_as_strings()
    {
        Span span = Span(201, span: 7, parent: 6, start: Start);
        span.Status = new Status { Code = Status.Types.StatusCode.Error };
        span.Attributes.Add(Attribute("n", 5));
        await StoreAsync(201, span);

        JsonNode v2 = await GetJsonAsync($"/api/v2/traces/{Hex(TraceId(201))}");
        JsonNode v1 = await GetJsonAsync($"/api/traces/{Hex(TraceId(201))}");

        JsonNode json = v2["trace"]!["resourceSpans"]![0]!["scopeSpans"]![0]!["spans"]![0]!;
        Assert.Equal(span.TraceId.ToBase64(), (string?)json["traceId"]);
        Assert.Equal(span.ParentSpanId.ToBase64(), (string?)json["parentSpanId"]);
        Assert.Equal("SPAN_KIND_SERVER", (string?)json["kind"]);
        Assert.Equal("STATUS_CODE_ERROR", (string?)json["status"]!["code"]);
        Assert.Equal($"{Start}", (string?)json["startTimeUnixNano"]);
        Assert.Equal("5", (string?)json["attributes"]![0]!["value"]!["intValue"]);
        Assert.True(JsonNode.DeepEquals(v2["trace"]!["resourceSpans"], v1["batches"]));
    }

    [Fact]
    public async Task V1_in_protobuf_is_the_trace_itself()
    {
        Span span = Span(202, start: Start);
        await StoreAsync(202, span);

        using HttpResponseMessage response = await Server.Tempo.GetProtobufAsync($"/api/traces/{Hex(TraceId(202))}");

        Assert.Equal("application/protobuf", response.Content.Headers.ContentType?.MediaType);
        Trace trace = Trace.Parser.ParseFrom(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        Assert.Equal(OtlpEquality.Canonical([Resource("tempo-202", span)]), OtlpEquality.Canonical(trace.ResourceSpans));
    }

    [Fact]
    public async Task A_short_id_finds_the_trace_whose_leading_zeros_it_lacks()
    {
        Span span = Span(203, start: Start);
        span.TraceId = Google.Protobuf.ByteString.CopyFrom([.. new byte[14], 0xAB, 0xCD]);
        await Server.Otlp.ExportAsync(Request(Resource("tempo-203", span)));

        Assert.Single(await Server.Tempo.WaitForTraceAsync("abcd", spans: 1));
    }

    [Fact]
    public async Task Search_by_service_finds_its_traces_newest_first()
    {
        await StoreAsync(211, Span(211, span: 1, start: Start), Span(211, span: 2, parent: 1, start: Start + 1_000_000, duration: 9_000_000));
        await StoreAsync(212, "tempo-211", Span(212, span: 1, start: Start + 1_000_000_000));

        JsonNode found = await GetJsonAsync("/api/search?q=" + Uri.EscapeDataString("{resource.service.name=\"tempo-211\"}"));

        Assert.Equal(["traces", "metrics"], found.AsObject().Select(field => field.Key));
        JsonNode older = found["traces"]![1]!;
        Assert.Equal(Hex(TraceId(212)), (string?)found["traces"]![0]!["traceID"]);
        Assert.Equal(Hex(TraceId(211)), (string?)older["traceID"]);
        Assert.Equal("tempo-211", (string?)older["rootServiceName"]);
        Assert.Equal("GET /x", (string?)older["rootTraceName"]);
        Assert.Equal($"{Start}", (string?)older["startTimeUnixNano"]);
        Assert.Equal(10, (int?)older["durationMs"]);
        Assert.Equal(2, (int?)older["spanSets"]![0]!["matched"]);
        Assert.Equal(Hex(SpanId(2)), (string?)older["spanSets"]![0]!["spans"]![1]!["spanID"]);
        Assert.Equal("9000000", (string?)older["spanSets"]![0]!["spans"]![1]!["durationNanos"]);
        Assert.Equal(2, (int?)older["serviceStats"]!["tempo-211"]!["spanCount"]);
    }

    [Fact]
    public async Task Search_has_only_fields_that_grafana_knows()
    {
        await StoreAsync(213, Span(213, start: Start));
        string json = await Server.Tempo.GetStringAsync("/api/search?q=" + Uri.EscapeDataString("{}"), TestContext.Current.CancellationToken);

        // Parsing is as strict as Grafana's: an unknown field is an error.
        Assert.NotEmpty(SearchResponse.Parser.ParseJson(json).Traces);
        JsonNode trace = JsonNode.Parse(json)!["traces"]![0]!;
        Assert.All(
            trace.AsObject(),
            field => Assert.Contains(field.Key, (string[])["traceID", "rootServiceName", "rootTraceName", "startTimeUnixNano", "durationMs", "spanSets", "serviceStats"]));
    }

    [Fact]
    public async Task Limit_and_spans_per_spanset_are_kept()
    {
        await StoreAsync(214, [.. Enumerable.Range(1, 10).Select(i => Span(214, span: i, start: Start))]);
        string q = Uri.EscapeDataString("{resource.service.name=\"tempo-214\"}");

        Assert.Equal(3, (await GetJsonAsync($"/api/search?q={q}"))["traces"]![0]!["spanSets"]![0]!["spans"]!.AsArray().Count);
        Assert.Equal(5, (await GetJsonAsync($"/api/search?q={q}&spss=5"))["traces"]![0]!["spanSets"]![0]!["spans"]!.AsArray().Count);
        Assert.Equal(10, (await GetJsonAsync($"/api/search?q={q}&spss=0"))["traces"]![0]!["spanSets"]![0]!["spans"]!.AsArray().Count);
        Assert.Single((await GetJsonAsync("/api/search?limit=1&q=" + Uri.EscapeDataString("{}")))["traces"]!.AsArray());
    }

    [Fact]
    public async Task Search_keeps_to_the_time_range()
    {
        await StoreAsync(215, Span(215, start: Start));
        string q = Uri.EscapeDataString("{resource.service.name=\"tempo-215\"}");
        const ulong seconds = Start / 1_000_000_000;

        Assert.NotNull((await GetJsonAsync($"/api/search?q={q}&start={seconds}&end={seconds + 1}"))["traces"]);
        Assert.Empty((await GetJsonAsync($"/api/search?q={q}&start={seconds + 1}&end={seconds + 2}"))["traces"]!.AsArray());
        Assert.Empty((await GetJsonAsync($"/api/search?q={q}&start={seconds - 1}&end={seconds}"))["traces"]!.AsArray());
    }

    [Theory]
    [InlineData("{name = \"needle\"}", true)]
    [InlineData("{name =~ \"nee.*\"}", true)]
    [InlineData("{name =~ \"nee\"}", false)]
    [InlineData("{status = error}", true)]
    [InlineData("{status = ok}", false)]
    [InlineData("{kind = server && duration >= 5ms}", true)]
    [InlineData("{duration > 5ms}", false)]
    [InlineData("{span.http.status_code = 500}", true)]
    [InlineData("{span.http.status_code > 500 || span.ratio = 0.5}", true)]
    [InlineData("{.retry = true}", true)]
    [InlineData("{.retry != true}", false)]
    [InlineData("{.absent != \"x\"}", false)]
    [InlineData("{.host.name = \"host-1\"}", true)]
    [InlineData("{.on.both = \"span\"}", true)]
    [InlineData("{name =~ \"(?P<n>need).*\"}", true)]
    [InlineData("{resource.host.name = \"host-1\"}", true)]
    [InlineData("{.host.name = \"host-2\"}", false)]
    [InlineData("{span.quoted = \"it's \\\"quoted\\\" \\\\ \\t\"}", true)]
    public async Task A_filter_finds_what_it_says(string filter, bool isFound)
    {
        Span span = Span(216, name: "needle", start: Start);
        span.Status = new Status { Code = Status.Types.StatusCode.Error };
        span.Attributes.Add([Attribute("http.status_code", 500), Attribute("ratio", 0.5), Attribute("retry", true), Attribute("on.both", "span"), Attribute("quoted", "it's \"quoted\" \\ \t")]);
        await StoreAsync(216, span);
        string q = Uri.EscapeDataString(filter.Replace("{", "{resource.service.name = \"tempo-216\" && (", StringComparison.Ordinal).Replace("}", ")}", StringComparison.Ordinal));

        Assert.Equal(isFound, (await GetJsonAsync($"/api/search?q={q}"))["traces"]!.AsArray().Count > 0);
    }

    [Theory]
    [InlineData("span.tier = \"gold\"", 3)]
    [InlineData("span.tier =~ \"go.*\"", 3)]
    [InlineData("span.tier != \"gold\"", 0)]
    [InlineData(".tier != \"silver\"", 3)]
    [InlineData("!(span.tier = \"gold\")", 0)]
    [InlineData(".host.name = \"host-1\"", 0)]
    [InlineData("resource.host.name = \"host-1\"", 3)]
    public async Task A_value_is_found_in_all_its_spans_whether_it_came_first_or_again(string filter, int found)
    {
        Span[] spans = [.. Enumerable.Range(220, 3).Select(trace => Span(trace, start: Start))];
        foreach (Span span in spans) span.Attributes.Add([Attribute("tier", "gold"), Attribute("host.name", "not its resource's")]);
        await Server.Otlp.ExportAsync(Request(Resource("tempo-220", spans)));
        foreach (Span span in spans) await Server.Tempo.WaitForTraceAsync(Hex(span.TraceId), 1);

        JsonNode answer = await GetJsonAsync("/api/search?q=" + Uri.EscapeDataString($"{{resource.service.name = \"tempo-220\" && {filter}}}"));

        Assert.Equal(found, answer["traces"]?.AsArray().Count ?? 0);
    }

    [Fact]
    public async Task Tags_search_finds_the_same()
    {
        Span span = Span(217, start: Start);
        span.Attributes.Add(Attribute("http.status_code", 500));
        await StoreAsync(217, span);

        JsonNode found = await GetJsonAsync("/api/search?minDuration=5ms&tags=" + Uri.EscapeDataString("service.name=tempo-217 http.status_code=500"));

        Assert.Single(found["traces"]!.AsArray());
    }

    [Fact]
    public async Task A_trace_without_a_root_says_so()
    {
        await StoreAsync(218, Span(218, span: 2, parent: 1, start: Start));

        JsonNode found = await GetJsonAsync("/api/search?q=" + Uri.EscapeDataString("{resource.service.name=\"tempo-218\"}"));

        Assert.Equal("<root span not yet received>", (string?)found["traces"]![0]!["rootServiceName"]);
    }

    [Fact]
    public async Task A_long_query_gets_through_and_one_of_too_many_comparisons_is_refused()
    {
        string q = "{name = \"" + new string('x', 100_000) + "\"}";
        string many = "{" + string.Join("||", Enumerable.Repeat(".a=1", 41)) + "}";

        Assert.Empty((await GetJsonAsync("/api/search?q=" + Uri.EscapeDataString(q)))["traces"]!.AsArray());
        using HttpResponseMessage refused = await Server.Tempo.GetAsync("/api/search?q=" + Uri.EscapeDataString(many), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("at most 40 conditions on attributes; this one has 41", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("=~", 1_000, "is no regular expression")]
    [InlineData("=~", 60_000, "is no regular expression")]
    [InlineData("=", 60_000, "has at most 122880 bytes, escaped")] // each is three bytes where it is sent
    public async Task A_long_value_is_the_callers_mistake(string comparison, int length, string words)
    {
        string q = $"{{name {comparison} \"" + new string('[', length) + "\"}";

        using HttpResponseMessage refused = await Server.Tempo.GetAsync("/api/search?q=" + Uri.EscapeDataString(q), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains(words, await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private Task StoreAsync(int trace, params Span[] spans) => StoreAsync(trace, $"tempo-{trace}", spans);

    private async Task StoreAsync(int trace, string service, params Span[] spans)
    {
        await Server.Otlp.ExportAsync(Request(Resource(service, spans)));
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(trace)), spans.Length);
    }

    private async Task<JsonNode> GetJsonAsync(string path) => JsonNode.Parse(await Server.Tempo.GetStringAsync(path))!;
}

/// <summary>The same of spans that aren't stored yet.</summary>
public sealed class RecentTempoApiTests(RecentServerFixture fixture) : TempoApiTests(fixture);
