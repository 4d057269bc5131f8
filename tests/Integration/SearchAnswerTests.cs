using System.Text.Json.Nodes;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Resource.V1;
using OpenTelemetry.Proto.Trace.V1;
using TraceStore.Query.Encoding.Tempo;
using TraceStore.Storage.Spans;
using static TraceStore.Tests.OtlpSamples;
using Span = OpenTelemetry.Proto.Trace.V1.Span;

namespace TraceStore.Tests.Integration;

/// <summary>What a search answers: what was asked, at every edge of what can be stored.</summary>
public class SearchAnswerTests(ServerFixture fixture)
{
    private const ulong Start = 1_740_000_000_000_000_000;

    private TestServer Server => fixture.Server;

    [Fact]
    public async Task Spans_alike_but_for_an_attribute_are_two_and_the_one_that_matched_is_shown()
    {
        Span plain = Span(3_301, start: Start), marked = plain.Clone();
        marked.Attributes.Add(Attribute("mark", "x"));
        await StoreAsync("twins", plain, marked, plain.Clone());

        TraceSearchMetadata found = Assert.Single((await SearchAsync("{resource.service.name = \"twins\" && span.mark = \"x\"}")).Traces);

        Assert.Equal((1u, 2u), (found.SpanSets[0].Matched, found.ServiceStats["twins"].SpanCount));
        Assert.Single(found.SpanSets[0].Spans);
    }

    [Fact]
    public async Task A_matched_span_comes_with_what_was_asked_for()
    {
        Span span = Span(3_302, start: Start);
        span.Status = new Status { Code = Status.Types.StatusCode.Error };
        span.Attributes.Add([Attribute("text", "t"), Attribute("whole", 7), Attribute("part", 0.5), Attribute("truth", true)]);
        await StoreAsync("asked", span);

        TraceSearchMetadata found = Assert.Single((await SearchAsync("{resource.service.name = \"asked\" && status = error && kind = server && span.text = \"t\" && .whole = 7 && span.part > 0 && .truth = true && .host.name = \"host-1\"}")).Traces);

        Assert.Equal(
            ["host.name=host-1", "kind=server", "part=0.5", "service.name=asked", "status=error", "text=t", "truth=true", "whole=7"],
            found.SpanSets[0].Spans[0].Attributes.Select(attribute => $"{attribute.Key}={Text(attribute.Value)}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("{span.twice = \"first\"}", true)]
    [InlineData("{span.twice = \"last\"}", true)]
    [InlineData("{span.twice =~ \"la.*\"}", true)]
    [InlineData("{span.twice != \"first\"}", false)]
    [InlineData("{span.twice = \"neither\"}", false)]
    [InlineData("{.twice = \"last\"}", true)]
    [InlineData("{span.mixed = 7}", true)]
    [InlineData("{span.mixed > 7}", false)]
    [InlineData("{span.mixed = true}", true)]
    [InlineData("{span.mixed = false}", false)]
    [InlineData("{span.mixed < -1000000000000000000000.0}", true)]
    [InlineData("{span.void = \"behind\"}", true)]
    [InlineData("{span.list = \"b\"}", true)]
    [InlineData("{span.list = 5}", true)]
    [InlineData("{span.list = 5.0}", true)]
    [InlineData("{span.list = 6}", false)]
    [InlineData("{span.list = 2.5}", true)]
    [InlineData("{span.list = false}", true)]
    [InlineData("{span.list = \"caf\uFFFD\"}", true)]
    [InlineData("{span.lis = \"b\"}", false)]
    [InlineData("{span.\"schlüssel\" > 6}", true)]
    [InlineData("{span.\"schlüssel\" > 7}", false)]
    [InlineData("{span.\"schlüssel\" =~ \"[a-c]ä\"}", true)]
    [InlineData("{span.k =~ \".*\"}", false)]
    [InlineData("{resource.twice = \"last\"}", true)]
    [InlineData("{.of.resource = \"element\"}", true)]
    [InlineData("{.list = \"of the resource\"}", false)]
    public async Task Every_value_of_a_key_that_stands_twice_and_every_element_of_an_array_is_found(string query, bool isFound)
    {
        await StoreOthersAsync();

        string[] found = [.. (await SearchAsync($"{{name = \"others\" && {query[1..]}")).Traces.Select(trace => trace.TraceID)];

        Assert.Equal(isFound ? [Hex(TraceId(3_304))] : [], found);
    }

    [Theory]
    [InlineData("twice", "last", true)]
    [InlineData("mixed", "7", true)]
    [InlineData("list", "b", true)]
    [InlineData("list", "nothing", false)]
    public async Task Jaegers_tags_find_them_too(string key, string value, bool isFound)
    {
        await StoreOthersAsync();

        string tags = Uri.EscapeDataString(new JsonObject { [key] = value }.ToJsonString());
        JsonNode found = JsonNode.Parse(await Server.Jaeger.GetStringAsync($"/api/traces?service=others&operation=others&tags={tags}", TestContext.Current.CancellationToken))!;

        Assert.Equal(isFound ? 1 : 0, found["data"]!.AsArray().Count);
    }

    [Fact]
    public async Task A_value_that_only_an_array_has_is_shown()
    {
        await StoreOthersAsync();

        TraceSearchMetadata found = Assert.Single((await SearchAsync("{name = \"others\" && span.list = \"b\" && span.void = \"behind\"}")).Traces);

        Assert.Equal(["list=a", "void=behind"], found.SpanSets[0].Spans[0].Attributes.Where(attribute => attribute.Key is "list" or "void").Select(attribute => $"{attribute.Key}={Text(attribute.Value)}").Order(StringComparer.Ordinal));
    }

    private async Task StoreOthersAsync()
    {
        Span span = Span(3_304, start: Start, name: "others");
        var list = new ArrayValue { Values = { Value("a"), Value("b"), Value(5), Value(2.5), Value(false), new AnyValue(), Value("caf\uFFFD"), new AnyValue { ArrayValue = new ArrayValue { Values = { Value("nested") } } } } };
        span.Attributes.Add([Attribute("twice", "first"), Attribute("twice", "last"), Attribute("mixed", "text"), Attribute("mixed", 7), Attribute("mixed", true), Attribute("mixed", -1e30)]);
        span.Attributes.Add([Attribute("schlüssel", true), Attribute("schlüssel", 7), Attribute("schlüssel", "bä"), Attribute("k\0sX", "v"), Attribute("k\0sX", "w")]);
        span.Attributes.Add([new KeyValue { Key = "void", Value = new AnyValue() }, Attribute("void", "behind"), new KeyValue { Key = "list", Value = new AnyValue { ArrayValue = list } }]);
        ResourceSpans resource = Resource("others", span);
        resource.Resource.Attributes.Add([Attribute("twice", "first"), Attribute("twice", "last"), new KeyValue { Key = "of.resource", Value = new AnyValue { ArrayValue = new ArrayValue { Values = { Value("element") } } } }, Attribute("list", "of the resource")]);
        await Server.Otlp.ExportAsync(Request(resource)); // once, for a resend is stored once
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(3_304)), 1);
    }

    [Fact]
    public async Task As_many_conditions_as_may_be_are_answered_also_when_resources_have_them_all()
    {
        Span span = Span(3_305, start: Start);
        ResourceSpans resource = Resource("many", span);
        resource.Resource.Attributes.Add(Enumerable.Range(0, 40).Select(number => Attribute($"number.{number}", number)));
        await Server.Otlp.ExportAsync(Request(resource));
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(3_305)), 1);
        string tags = string.Join(' ', Enumerable.Range(0, 40).Select(number => $"number.{number}={number}"));

        JsonNode found = JsonNode.Parse(await Server.Tempo.GetStringAsync($"/api/search?minDuration=1ms&tags={Uri.EscapeDataString(tags)}", TestContext.Current.CancellationToken))!;

        Assert.Equal(Hex(TraceId(3_305)), (string?)Assert.Single(found["traces"]!.AsArray())!["traceID"]);
    }

    private static AnyValue Value(object value) => Attribute("", value).Value;

    [Fact]
    public async Task A_very_long_name_is_found_by_the_whole_and_read_whole()
    {
        string name = new('n', 3 * ListedText.MaxBytes);
        await StoreAsync(name, Span(3_303, start: Start, name: name));

        Assert.Single((await SearchAsync($"{{name = \"{name}\" && resource.service.name = \"{name}\"}}")).Traces);
        ResourceSpans read = Assert.Single(await Server.Tempo.ReadTraceAsync(Hex(TraceId(3_303))));
        Assert.Equal(name, read.ScopeSpans[0].Spans[0].Name);
        JsonNode operations = JsonNode.Parse(await Server.Jaeger.GetStringAsync($"/api/services/{name[..ListedText.MaxBytes]}/operations", TestContext.Current.CancellationToken))!;
        Assert.Equal(name[..ListedText.MaxBytes], (string?)Assert.Single(operations["data"]!.AsArray()));
    }

    [Fact]
    public async Task Nothing_found_is_an_empty_list() =>
        Assert.Empty(JsonNode.Parse(await Server.Tempo.GetStringAsync("/api/search?q=" + Uri.EscapeDataString("{name = \"there is no such name\"}"), TestContext.Current.CancellationToken))!["traces"]!.AsArray());

    [Theory]
    [InlineData(3_311, 0UL)]
    [InlineData(3_312, 1UL)]
    [InlineData(3_313, (1UL << 63) + 5)]
    [InlineData(3_314, ulong.MaxValue - 1)]
    [InlineData(3_315, ulong.MaxValue)]
    public async Task Every_time_there_is_is_found(int trace, ulong start)
    {
        Span span = Span(trace, name: $"edge-{trace}");
        (span.StartTimeUnixNano, span.EndTimeUnixNano) = (start, start);
        await StoreAsync("edge", span);

        Assert.Equal(Hex(TraceId(trace)), Assert.Single((await SearchAsync($"{{name = \"edge-{trace}\"}}")).Traces).TraceID);
        JsonNode jaeger = JsonNode.Parse(await Server.Jaeger.GetStringAsync($"/api/traces?service=edge&operation=edge-{trace}", TestContext.Current.CancellationToken))!;
        Assert.Single(jaeger["data"]!.AsArray());
    }

    [Fact]
    public async Task A_services_name_that_is_no_text_is_found_and_shown()
    {
        Span span = Span(3_321, start: Start, name: "odd-service");
        ResourceSpans resource = Resource("x", span);
        resource.Resource = new Resource { Attributes = { Attribute("service.name", 7) } };
        await Server.Otlp.ExportAsync(Request(resource));
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(3_321)), 1);

        Assert.Single((await SearchAsync("{resource.service.name = 7 && name = \"odd-service\"}")).Traces);
        JsonNode trace = JsonNode.Parse(await Server.Jaeger.GetStringAsync($"/api/traces/{Hex(TraceId(3_321))}", TestContext.Current.CancellationToken))!["data"]![0]!;
        Assert.Equal("unknown_service", (string?)trace["processes"]!["p1"]!["serviceName"]);
        Assert.Equal(("service.name", 7), ((string?)trace["processes"]!["p1"]!["tags"]![0]!["key"], (int?)trace["processes"]!["p1"]!["tags"]![0]!["value"]));
    }

    [Theory]
    [InlineData("[")]
    [InlineData("zz)|(?:.*")]
    [InlineData("\\\\C")]
    [InlineData("(?=a)")]
    public async Task A_regular_expression_that_is_none_is_refused_though_no_span_has_the_attribute(string pattern)
    {
        using HttpResponseMessage response = await Server.Tempo.GetAsync("/api/search?q=" + Uri.EscapeDataString($"{{ span.nobody.has.it =~ \"{pattern}\" }}"), TestContext.Current.CancellationToken);

        Assert.Equal(System.Net.HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("is no regular expression (in Go's dialect, RE2)", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("root.name=top", 1)]
    [InlineData("root.name=below", 0)]
    [InlineData("root.service.name=whole", 1)]
    [InlineData("name=below root.name=top", 1)]
    [InlineData("status.code=error", 1)]
    [InlineData("status.code=ok", 0)]
    [InlineData("&minDuration=90ms", 1)]
    [InlineData("&minDuration=101ms", 0)]
    [InlineData("&maxDuration=100ms", 1)]
    [InlineData("&maxDuration=99ms", 0)]
    public async Task Tempos_tags_can_ask_about_the_whole_trace(string tags, int found)
    {
        Span top = Span(3_331, span: 1, name: "top", start: Start, duration: 10_000_000), below = Span(3_331, span: 2, parent: 1, name: "below", start: Start + 50_000_000, duration: 50_000_000);
        below.Status = new Status { Code = Status.Types.StatusCode.Error };
        await StoreAsync("whole", top, below);

        string query = tags.StartsWith('&') ? Uri.EscapeDataString("service.name=whole") + tags : Uri.EscapeDataString("service.name=whole " + tags);
        Assert.Equal(found, JsonNode.Parse(await Server.Tempo.GetStringAsync($"/api/search?tags={query}", TestContext.Current.CancellationToken))!["traces"]!.AsArray().Count);
    }

    private async Task StoreAsync(string service, params Span[] spans)
    {
        await Server.Otlp.ExportAsync(Request(Resource(service, spans)));
        await Server.Tempo.WaitForTraceAsync(Hex(spans[0].TraceId), spans.Distinct().Count());
    }

    private async Task<SearchResponse> SearchAsync(string query) =>
        SearchResponse.Parser.ParseJson(await Server.Tempo.GetStringAsync("/api/search?spss=10&q=" + Uri.EscapeDataString(query), TestContext.Current.CancellationToken));

    private static string Text(AnyValue value) => value.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.BoolValue => value.BoolValue ? "true" : "false",
        AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => value.IntValue.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}

/// <summary>The same of spans that aren't stored yet.</summary>
public sealed class RecentSearchAnswerTests(RecentServerFixture fixture) : SearchAnswerTests(fixture);
