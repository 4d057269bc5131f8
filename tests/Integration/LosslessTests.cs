using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

/// <summary>
/// Arbitrary valid requests, ingested, over a restart, and read by every API: identical where the API can carry all of a
/// span, and in all that it can carry elsewhere. LOSSLESS_REQUESTS and LOSSLESS_SEED try more, and others.
/// </summary>
public class LosslessTests(ITestOutputHelper output)
{
    private static readonly int s_requests = Read("LOSSLESS_REQUESTS", otherwise: 60);
    private static readonly int s_seed = Read("LOSSLESS_SEED", otherwise: 1);
    private static readonly JsonParser s_json = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(false));

    [Fact]
    public async Task Any_valid_request_comes_back_as_it_was_after_a_restart_by_every_api()
    {
        List<ExportTraceServiceRequest> requests = [];
        var random = new CsCheck.PCG(1, (ulong)s_seed);
        while (requests.Count < s_requests) requests.Add(Any.Generate(random, null, out _));

        TemporaryDirectory data;
        await using (TestServer server = await TestServer.StartAsync())
        {
            for (int i = 0; i < requests.Count; i++) Assert.Null((await server.Otlp.ExportAsync(requests[i], gzip: i % 2 == 0)).PartialSuccess);
            data = await server.StopAsync();

            await using TestServer again = await TestServer.StartAsync(data);
            int spans = 0;
            foreach (ExportTraceServiceRequest request in requests) spans += await AssertEqualAsync(again, request);
            output.WriteLine($"{requests.Count} requests of {spans} spans, each read back by Tempo v2 in protobuf and in JSON, by Tempo v1, and by Jaeger");
        }
    }

    private static async Task<int> AssertEqualAsync(TestServer server, ExportTraceServiceRequest request)
    {
        List<Span> spans = [.. request.ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans)];
        List<ResourceSpans> protobuf = [], json = [], first = [];
        foreach (IGrouping<string, Span> trace in spans.GroupBy(span => Hex(span.TraceId)))
        {
            protobuf.AddRange(await server.Tempo.ReadTraceAsync(trace.Key));
            json.AddRange(Parse(JsonNode.Parse(await server.Tempo.GetStringAsync($"/api/v2/traces/{trace.Key}"))!["trace"]!));
            using HttpResponseMessage v1 = await server.Tempo.GetProtobufAsync($"/api/traces/{trace.Key}");
            first.AddRange(ExportTraceServiceRequest.Parser.ParseFrom(await v1.Content.ReadAsByteArrayAsync()).ResourceSpans);
            AssertCarried(trace, JsonNode.Parse(await server.Jaeger.GetStringAsync($"/api/traces/{trace.Key}"))!["data"]![0]!["spans"]!.AsArray());
        }

        Assert.Equal(OtlpEquality.Canonical(request), OtlpEquality.Canonical(protobuf));
        Assert.Equal(OtlpEquality.Canonical(request), OtlpEquality.Canonical(first));
        Assert.Equal(OtlpEquality.Canonical(request), OtlpEquality.Canonical(json));
        return spans.Count;
    }

    /// <summary>Tempo's JSON is protobuf's, with IDs in base64; the message goes by another name.</summary>
    private static Google.Protobuf.Collections.RepeatedField<ResourceSpans> Parse(JsonNode trace) => s_json.Parse<ExportTraceServiceRequest>(trace.ToJsonString()).ResourceSpans;

    /// <summary>What Jaeger's model has: IDs, name, times in microseconds, logs, references.</summary>
    private static void AssertCarried(IEnumerable<Span> expected, JsonArray shown) => Assert.Equal(
        expected.Select(span => (Hex(span.SpanId), span.Name, span.StartTimeUnixNano / 1_000, span.Events.Count)).Order(),
        shown.Select(span => ((string)span!["spanID"]!, (string)span["operationName"]!, (ulong)span["startTime"]!, span["logs"]!.AsArray().Count)).Order());

    private static int Read(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
