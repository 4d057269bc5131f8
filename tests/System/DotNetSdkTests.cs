using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Proto.Trace.V1;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Span = OpenTelemetry.Proto.Trace.V1.Span;
using Status = OpenTelemetry.Proto.Trace.V1.Status;

namespace TraceStore.Tests.Systems;

/// <summary>What the official .NET SDK sent, compared with what comes back; the SDK's own objects are the measure.</summary>
public sealed class DotNetSdkTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Traces_come_back_equal_through_tempo_and_jaeger()
    {
        using TraceStoreProcess server = await TraceStoreProcess.ServeAsync(_data.Path);
        List<Activity> sent = Send(server.OtlpPort);
        string traceId = sent[0].TraceId.ToString();

        using var tempo = new HttpClient { BaseAddress = server.TempoUrl };
        using var jaeger = new HttpClient { BaseAddress = server.JaegerUrl };
        IReadOnlyList<ResourceSpans> stored = await tempo.WaitForTraceAsync(traceId, sent.Count);
        JsonNode told = JsonNode.Parse(await jaeger.GetStringAsync($"/api/traces/{traceId}"))!["data"]![0]!;

        ResourceSpans resource = Assert.Single(stored);
        Assert.Contains(resource.Resource.Attributes, attribute => attribute.Key == "service.name" && attribute.Value.StringValue == "dotnet-shop");
        ScopeSpans scope = Assert.Single(resource.ScopeSpans);
        Assert.Equal(("dotnet-test", "4.5.6"), (scope.Scope.Name, scope.Scope.Version));
        Assert.Equal(sent.Select(Describe).Order(StringComparer.Ordinal), scope.Spans.Select(Describe).Order(StringComparer.Ordinal));
        Assert.Equal(sent.Select(DescribeForJaeger).Order(StringComparer.Ordinal), told["spans"]!.AsArray().Select(span => DescribeForJaeger(span!)).Order(StringComparer.Ordinal));
    }

    private static List<Activity> Send(int port)
    {
        List<Activity> sent = [];
        using var source = new ActivitySource("dotnet-test", "4.5.6");
        using TracerProvider provider = Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => resource.AddService("dotnet-shop", serviceVersion: "1.2.3"))
            .AddSource(source.Name)
            .AddInMemoryExporter(sent)
            .AddOtlpExporter(otlp =>
            {
                otlp.Endpoint = new Uri($"http://127.0.0.1:{port}");
                otlp.Protocol = OtlpExportProtocol.Grpc;
            })
            .Build();
        using (Activity root = source.StartActivity("checkout", ActivityKind.Server)!)
        {
            root.TraceStateString = "vendor=1";
            root.SetTag("text", "käse").SetTag("count", 42).SetTag("ratio", 0.125).SetTag("flag", true);
            using (Activity child = source.StartActivity("charge", ActivityKind.Client)!)
            {
                child.AddException(new InvalidOperationException("declined"));
                child.SetStatus(ActivityStatusCode.Error, "card declined");
            }

            using Activity linked = source.StartActivity(ActivityKind.Producer, links: [new ActivityLink(root.Context, new ActivityTagsCollection([new("why", "follow-up")]))], name: "queue")!;
            linked.AddEvent(new ActivityEvent("queued", tags: new ActivityTagsCollection([new("depth", 7)])));
        }

        provider.ForceFlush();
        return sent;
    }

    private static string Describe(Activity activity) => Join(
        activity.SpanId, activity.ParentSpanId == default ? "" : activity.ParentSpanId, activity.DisplayName, (int)activity.Kind + 1,
        UnixNano(activity.StartTimeUtc), UnixNano(activity.StartTimeUtc + activity.Duration), activity.TraceStateString ?? "",
        Tags(activity.TagObjects),
        string.Join("; ", activity.Events.Select(e => Join(e.Name, UnixNano(e.Timestamp.UtcDateTime), Tags(e.Tags)))),
        string.Join("; ", activity.Links.Select(l => Join(l.Context.TraceId, l.Context.SpanId, Tags(l.Tags ?? [])))),
        activity.Status, activity.StatusDescription ?? "");

    private static string Describe(Span span) => Join(
        OtlpSamples.Hex(span.SpanId), OtlpSamples.Hex(span.ParentSpanId), span.Name, KindOf(span), span.StartTimeUnixNano, span.EndTimeUnixNano, span.TraceState,
        Tags(span.Attributes),
        string.Join("; ", span.Events.Select(e => Join(e.Name, e.TimeUnixNano, Tags(e.Attributes)))),
        string.Join("; ", span.Links.Select(l => Join(OtlpSamples.Hex(l.TraceId), OtlpSamples.Hex(l.SpanId), Tags(l.Attributes)))),
        span.Status?.Code ?? Status.Types.StatusCode.Unset, span.Status?.Message ?? "");

    private static string DescribeForJaeger(Activity activity) => Join(
        activity.SpanId, activity.DisplayName, UnixNano(activity.StartTimeUtc) / 1000, (ulong)(activity.Duration.Ticks / TimeSpan.TicksPerMicrosecond),
        string.Join(", ", activity.TagObjects.Select(tag => $"{tag.Key}={Text(tag.Value)}").Order(StringComparer.Ordinal)), activity.Events.Count());

    private static string DescribeForJaeger(JsonNode span)
    {
        string[] ours = ["otel.scope.name", "otel.scope.version", "span.kind", "error", "otel.status_code", "otel.status_description", "w3c.tracestate"];
        return Join(
            (string)span["spanID"]!, (string)span["operationName"]!, (ulong)span["startTime"]!, (ulong)span["duration"]!,
            string.Join(", ", span["tags"]!.AsArray().Where(tag => !ours.Contains((string)tag!["key"]!)).Select(tag => $"{tag!["key"]}={tag["value"]}").Order(StringComparer.Ordinal)),
            span["logs"]!.AsArray().Count);
    }

    /// <summary>OTLP's kinds count from INTERNAL = 1, the SDK's from Internal = 0, in another order.</summary>
    private static int KindOf(Span span) => span.Kind switch
    {
        Span.Types.SpanKind.Internal => (int)ActivityKind.Internal + 1,
        Span.Types.SpanKind.Server => (int)ActivityKind.Server + 1,
        Span.Types.SpanKind.Client => (int)ActivityKind.Client + 1,
        Span.Types.SpanKind.Producer => (int)ActivityKind.Producer + 1,
        Span.Types.SpanKind.Consumer => (int)ActivityKind.Consumer + 1,
        _ => 0,
    };

    private static string Tags(IEnumerable<KeyValuePair<string, object?>> tags) =>
        string.Join(", ", tags.Select(tag => $"{tag.Key}={Text(tag.Value)}").Order(StringComparer.Ordinal));

    private static string Tags(IEnumerable<OpenTelemetry.Proto.Common.V1.KeyValue> tags) =>
        string.Join(", ", tags.Select(tag => $"{tag.Key}={Text(Value(tag.Value))}").Order(StringComparer.Ordinal));

    private static object Value(OpenTelemetry.Proto.Common.V1.AnyValue value) => value.ValueCase switch
    {
        OpenTelemetry.Proto.Common.V1.AnyValue.ValueOneofCase.BoolValue => value.BoolValue,
        OpenTelemetry.Proto.Common.V1.AnyValue.ValueOneofCase.IntValue => value.IntValue,
        OpenTelemetry.Proto.Common.V1.AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue,
        _ => value.StringValue,
    };

    private static string Text(object? value) => value is bool truth ? truth ? "true" : "false" : Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private static ulong UnixNano(DateTime time) => (ulong)(time - DateTime.UnixEpoch).Ticks * 100;

    private static string Join(params object[] parts) => string.Join(" | ", parts.Select(part => Convert.ToString(part, CultureInfo.InvariantCulture)));
}
