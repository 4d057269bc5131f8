using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using OpenTelemetry.Proto.Trace.V1;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

/// <summary>Jaeger's tags: what is shown is found by them.</summary>
public class JaegerTagTests(ServerFixture fixture)
{
    private const ulong Start = 1_730_000_000_000_000_000;
    private const string Service = "jaeger-tags";

    private static readonly ConcurrentDictionary<TestServer, Lazy<Task>> s_stored = []; // once, whichever test comes first

    private TestServer Server => fixture.Server;

    // 1 failed; 2 is ok, 3 unset; 4 says itself that it failed; 5 has what OTLP has no tags for
    [Theory]
    [InlineData("error", "true", "1 4")]
    [InlineData("error", "false", "2 3 5")]
    [InlineData("otel.status_code", "ERROR", "1")]
    [InlineData("otel.status_code", "OK", "2 3")]
    [InlineData("span.kind", "server", "1 2 3 4 5")]
    [InlineData("span.kind", "banana", "3")]
    [InlineData("otel.status_description", "broken", "1")]
    [InlineData("otel.scope.name", "test.scope", "1 2 3 4 5")]
    [InlineData("otel.scope.name", "other", "")]
    [InlineData("w3c.tracestate", "a=b", "5")]
    [InlineData("event", "retry", "5")]
    [InlineData("attempt", "2", "5")]
    [InlineData("attempt", "02", "")]
    [InlineData("z", "007", "3")]
    [InlineData("z", "7", "2")]
    [InlineData("ratio", "0.5", "2")]
    [InlineData("truth", "true", "2")]
    [InlineData("truth", "True", "")]
    public async Task A_tag_finds_the_spans_that_show_it(string key, string value, string traces)
    {
        await s_stored.GetOrAdd(Server, _ => new Lazy<Task>(StoreAsync)).Value;
        string tags = new JsonObject { [key] = value }.ToJsonString();
        JsonNode answer = JsonNode.Parse(await Server.Jaeger.GetStringAsync($"/api/traces?service={Service}&tags={Uri.EscapeDataString(tags)}", TestContext.Current.CancellationToken))!;

        Assert.Equal(
            traces.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(number => Hex(TraceId(3_400 + int.Parse(number)))),
            answer["data"]!.AsArray().Select(trace => (string)trace!["traceID"]!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_failure_is_one_tag_and_what_was_dropped_is_counted()
    {
        Span span = Span(3_411, start: Start);
        span.Status = new Status { Code = Status.Types.StatusCode.Error };
        span.Attributes.Add(Attribute("error", "yes"));
        (span.DroppedAttributesCount, span.DroppedEventsCount, span.DroppedLinksCount) = (1, 2, 3);
        await Server.Otlp.ExportAsync(Request(Resource(Service + "-2", span)));
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(3_411)), 1);

        JsonNode[] tags = [.. (await GetAsync(3_411))["spans"]![0]!["tags"]!.AsArray().Select(tag => tag!)];

        Assert.True((bool?)Assert.Single(tags, tag => (string?)tag["key"] == "error")["value"]);
        Assert.Equal(
            [("otel.dropped_attributes_count", 1), ("otel.dropped_events_count", 2), ("otel.dropped_links_count", 3)],
            tags.Where(tag => ((string)tag["key"]!).StartsWith("otel.dropped", StringComparison.Ordinal)).Select(tag => ((string)tag["key"]!, (int)tag["value"]!)));
    }

    [Fact]
    public async Task A_server_that_shares_its_clients_id_gets_one_of_its_own_below_it()
    {
        Span client = Span(3_412, span: 1, start: Start), server = Span(3_412, span: 1, start: Start + 1), child = Span(3_412, span: 2, parent: 1, start: Start + 2);
        client.Kind = OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind.Client;
        child.Kind = OpenTelemetry.Proto.Trace.V1.Span.Types.SpanKind.Internal;
        await Server.Otlp.ExportAsync(Request(Resource(Service + "-2", client, server, child)));
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(3_412)), 3);

        JsonArray spans = (await GetAsync(3_412))["spans"]!.AsArray();
        JsonNode Shown(string kind) => spans.Single(span => span!["tags"]!.AsArray().Any(tag => (string?)tag!["key"] == "span.kind" && (string?)tag["value"] == kind))!;
        string? ParentOf(JsonNode span) => (string?)span["references"]!.AsArray().SingleOrDefault()?["spanID"];

        Assert.Equal(Hex(SpanId(1)), (string?)Shown("client")["spanID"]);
        Assert.Equal(3, spans.Select(span => (string)span!["spanID"]!).Distinct().Count());
        Assert.Equal(Hex(SpanId(1)), ParentOf(Shown("server")));
        Assert.Equal((string?)Shown("server")["spanID"], ParentOf(Shown("internal")));
    }

    [Theory]
    [InlineData("a%2Fb", 3_421)]
    [InlineData("a/b", 3_422)]
    [InlineData("100%", 3_423)]
    [InlineData("ä ö", 3_424)]
    public async Task A_name_in_a_path_is_decoded_once(string service, int trace)
    {
        await Server.Otlp.ExportAsync(Request(Resource(service, Span(trace, name: "op of " + service, start: Start))));
        await Server.Tempo.WaitForTraceAsync(Hex(TraceId(trace)), 1);

        JsonNode answer = JsonNode.Parse(await Server.Jaeger.GetStringAsync($"/api/services/{Uri.EscapeDataString(service)}/operations", TestContext.Current.CancellationToken))!;
        Assert.Equal(["op of " + service], answer["data"]!.AsArray().Select(name => (string)name!));
    }

    private async Task<JsonNode> GetAsync(int trace) =>
        JsonNode.Parse(await Server.Jaeger.GetStringAsync($"/api/traces/{Hex(TraceId(trace))}", TestContext.Current.CancellationToken))!["data"]![0]!;

    private async Task StoreAsync()
    {
        Span[] spans = [.. Enumerable.Range(3_401, 5).Select(trace => Span(trace, start: Start))];
        spans[0].Status = new Status { Code = Status.Types.StatusCode.Error, Message = "broken" };
        spans[1].Status = new Status { Code = Status.Types.StatusCode.Ok };
        spans[1].Attributes.Add([Attribute("z", 7), Attribute("ratio", 0.5), Attribute("truth", true)]);
        spans[2].Attributes.Add([Attribute("z", "007"), Attribute("span.kind", "banana"), Attribute("otel.status_code", "OK")]);
        spans[3].Attributes.Add(Attribute("error", true));
        spans[4].TraceState = "a=b";
        spans[4].Events.Add(new Span.Types.Event { Name = "retry", TimeUnixNano = Start, Attributes = { Attribute("attempt", 2) } });
        await Server.Otlp.ExportAsync(Request(Resource(Service, spans)));
        foreach (Span span in spans) await Server.Tempo.WaitForTraceAsync(Hex(span.TraceId), 1);
    }
}

/// <summary>The same of spans that aren't stored yet.</summary>
public sealed class RecentJaegerTagTests(RecentServerFixture fixture) : JaegerTagTests(fixture);
