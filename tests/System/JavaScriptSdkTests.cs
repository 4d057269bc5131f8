using System.Diagnostics;
using System.Reflection;
using System.Text.Json.Nodes;
using OpenTelemetry.Proto.Common.V1;
using OpenTelemetry.Proto.Trace.V1;

namespace TraceStore.Tests.Systems;

/// <summary>What the official JavaScript SDK sent (js/send.mjs prints it), compared with what comes back.</summary>
public sealed class JavaScriptSdkTests : IDisposable
{
    private static readonly string[] s_jaegersOwnTags =
        ["otel.scope.name", "otel.scope.version", "span.kind", "error", "otel.status_code", "otel.status_description", "w3c.tracestate"];

    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Theory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    [InlineData("http/json")]
    public async Task Traces_come_back_equal_through_tempo_and_jaeger(string protocol)
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);
        JsonArray sent = await SendAsync(protocol, protocol == "grpc" ? $"http://127.0.0.1:{server.OtlpPort}" : server.OtlpHttpUrl.ToString());
        string traceId = (string)sent[0]!["traceId"]!;

        using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
        using var jaeger = new HttpClient { BaseAddress = server.JaegerUrl };
        IReadOnlyList<ResourceSpans> stored = await tempo.WaitForTraceAsync(traceId, sent.Count);
        JsonNode told = JsonNode.Parse(await jaeger.GetStringAsync($"/api/traces/{traceId}"))!["data"]![0]!;

        IEnumerable<JsonNode> read =
            from resource in stored from scope in resource.ScopeSpans from span in scope.Spans select Describe(resource, scope, span);
        Assert.Equal(Sorted(sent), Sorted(read));
        Assert.Equal(
            Sorted(sent.Select(span => DescribeForJaeger(span!))),
            Sorted(told["spans"]!.AsArray().Select(span => ReadFromJaeger(told, span!))));
    }

    private static async Task<JsonArray> SendAsync(string protocol, string url)
    {
        string folder = typeof(JavaScriptSdkTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "JavaScriptFolder").Value!;
        var start = new ProcessStartInfo("node", ["send.mjs", protocol, url]) { WorkingDirectory = folder, RedirectStandardOutput = true };
        using Process node = Process.Start(start)!;
        string output = await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        Assert.Equal(0, node.ExitCode);
        return JsonNode.Parse(output)!.AsArray();
    }

    /// <summary>A stored span in the words of send.mjs.</summary>
    private static JsonObject Describe(ResourceSpans resource, ScopeSpans scope, Span span) => new()
    {
        ["traceId"] = OtlpSamples.Hex(span.TraceId),
        ["spanId"] = OtlpSamples.Hex(span.SpanId),
        ["parentSpanId"] = OtlpSamples.Hex(span.ParentSpanId),
        ["name"] = span.Name,
        ["kind"] = (int)span.Kind,
        ["start"] = $"{span.StartTimeUnixNano}",
        ["end"] = $"{span.EndTimeUnixNano}",
        ["attributes"] = Map(span.Attributes),
        ["events"] = new JsonArray([.. span.Events.Select(e => new JsonObject { ["name"] = e.Name, ["time"] = $"{e.TimeUnixNano}", ["attributes"] = Map(e.Attributes) })]),
        ["links"] = new JsonArray([.. span.Links.Select(l => new JsonObject { ["spanId"] = OtlpSamples.Hex(l.SpanId), ["attributes"] = Map(l.Attributes) })]),
        ["status"] = new JsonObject { ["code"] = (int)(span.Status?.Code ?? 0), ["message"] = span.Status?.Message ?? "" },
        ["resource"] = Map(resource.Resource.Attributes),
        ["scope"] = new JsonObject { ["name"] = scope.Scope.Name, ["version"] = scope.Scope.Version },
    };

    private static JsonObject DescribeForJaeger(JsonNode span) => new()
    {
        ["spanId"] = (string)span["spanId"]!,
        ["name"] = (string)span["name"]!,
        ["start"] = ulong.Parse((string)span["start"]!) / 1000,
        ["attributes"] = new JsonObject(span["attributes"]!.AsObject().Select(tag =>
            KeyValuePair.Create(tag.Key, tag.Value is JsonArray list ? (JsonNode)list.ToJsonString() : tag.Value!.DeepClone()))!),
        ["events"] = span["events"]!.AsArray().Count,
        ["service"] = (string)span["resource"]!["service.name"]!,
    };

    private static JsonObject ReadFromJaeger(JsonNode trace, JsonNode span) => new()
    {
        ["spanId"] = (string)span["spanID"]!,
        ["name"] = (string)span["operationName"]!,
        ["start"] = (ulong)span["startTime"]!,
        ["attributes"] = new JsonObject(span["tags"]!.AsArray()
            .Where(tag => !s_jaegersOwnTags.Contains((string)tag!["key"]!))
            .Select(tag => KeyValuePair.Create((string)tag!["key"]!, (JsonNode?)tag["value"]!.DeepClone()))),
        ["events"] = span["logs"]!.AsArray().Count,
        ["service"] = (string)trace["processes"]![(string)span["processID"]!]!["serviceName"]!,
    };

    private static JsonObject Map(IEnumerable<KeyValue> attributes) => new(attributes.Select(attribute => KeyValuePair.Create(attribute.Key, Json(attribute.Value))));

    private static JsonNode? Json(AnyValue value) => value.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.BoolValue => value.BoolValue,
        AnyValue.ValueOneofCase.IntValue => value.IntValue,
        AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue,
        AnyValue.ValueOneofCase.ArrayValue => new JsonArray([.. value.ArrayValue.Values.Select(Json)]),
        _ => null,
    };

    /// <summary>Each as text with its object keys in order, and all in order.</summary>
    private static IEnumerable<string> Sorted(IEnumerable<JsonNode?> spans) => spans.Select(span => Ordered(span)!.ToJsonString()).Order(StringComparer.Ordinal);

    private static JsonNode? Ordered(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(map.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => KeyValuePair.Create(entry.Key, Ordered(entry.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Ordered)]),
        _ => node?.DeepClone(),
    };
}
