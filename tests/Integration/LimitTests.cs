using System.Net;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;
using OpenTelemetry.Proto.Trace.V1;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

/// <summary>Each bound on what clients send: its own answer, its own metric, and no harm to others.</summary>
public class LimitTests
{
    [Fact]
    public async Task Spans_over_a_limit_are_rejected_alone_with_reason_and_metric()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Otlp:MaxAttributes", "2"), ("Otlp:MaxNestingDepth", "4"), ("Otlp:MaxValueBytes", "1KiB"));
        Span many = Span(1001, span: 1), deep = Span(1001, span: 2), longValue = Span(1001, span: 3), noId = Span(1001, span: 4), good = Span(1001, span: 5);
        many.Attributes.Add(Enumerable.Range(0, 3).Select(i => Attribute($"k{i}", i)));
        deep.Attributes.Add(new OpenTelemetry.Proto.Common.V1.KeyValue { Key = "deep", Value = new() { ArrayValue = new() { Values = { new OpenTelemetry.Proto.Common.V1.AnyValue { ArrayValue = new() { Values = { Value(1) } } } } } } });
        longValue.Attributes.Add(Attribute("long", new string('x', 1025)));
        noId.SpanId = ByteString.Empty;

        ExportTraceServiceResponse response = await server.Otlp.ExportAsync(Request(Resource("limits", many, deep, longValue, noId, good)));

        Assert.Equal(4, response.PartialSuccess.RejectedSpans);
        Assert.All(
            ["attributes or a map's entries are more than 2", "attributes nest deeper than 4 messages", "a value is longer than 1024 bytes", "span_id has 0 bytes, must have 8"],
            reason => Assert.Contains(reason, response.PartialSuccess.ErrorMessage, StringComparison.Ordinal));
        foreach (string reason in (string[])["attribute_count", "nesting_depth", "value_length", "invalid_id"])
        {
            await server.Tempo.WaitForMetricAsync("tracestore_ingest_spans_rejected_total", value => value == 1, $"reason=\"{reason}\"");
        }

        Assert.Single(await server.Tempo.WaitForTraceAsync(Hex(TraceId(1001)), 1));
    }

    [Fact]
    public async Task Requests_over_a_limit_are_refused_for_good_with_reason_and_metric()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Otlp:MaxSpans", "2"), ("Otlp:MaxRequestBytes", "64KiB"));

        RpcException tooMany = await Assert.ThrowsAsync<RpcException>(() => server.Otlp.ExportAsync(Request(Resource("limits", Enumerable.Range(1, 3).Select(i => Span(1002, span: i))))));
        Assert.Equal(StatusCode.InvalidArgument, tooMany.StatusCode);
        Assert.Contains("more than 2 spans in one request", tooMany.Status.Detail, StringComparison.Ordinal);
        await server.Tempo.WaitForMetricAsync("tracestore_ingest_requests_rejected_total", value => value == 1, "reason=\"span_count\"");

        Span large = Span(1002);
        large.Attributes.Add(Attribute("large", new string('x', 64 << 10)));
        foreach (bool gzip in (bool[])[false, true])
        {
            RpcException tooLarge = await Assert.ThrowsAsync<RpcException>(() => server.Otlp.ExportAsync(Request(Resource("limits", large)), gzip));
            Assert.Equal(StatusCode.ResourceExhausted, tooLarge.StatusCode);
        }

        await server.Tempo.WaitForMetricAsync("tracestore_ingest_requests_rejected_total", value => value == 2, "reason=\"request_size\"");
        await Assert.ThrowsAsync<RpcException>(() => server.Otlp.ExportAsync([0xFF]));
        await server.Tempo.WaitForMetricAsync("tracestore_ingest_requests_rejected_total", value => value == 1, "reason=\"not_otlp\"");
    }

    [Fact]
    public async Task What_decompression_brings_to_light_counts_against_the_memory_for_requests()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Otlp:MaxBytesInFlight", "1MiB"));
        Span large = Span(1003);
        large.Attributes.Add(Attribute("large", new string('x', 3 << 20))); // a few KiB compressed

        RpcException refused = await Assert.ThrowsAsync<RpcException>(() => server.Otlp.ExportAsync(Request(Resource("limits", large)), gzip: true));

        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
        Assert.True(refused.GetRpcStatus()?.GetDetail<RetryInfo>()?.RetryDelay.ToTimeSpan() > TimeSpan.Zero);
        Assert.Null((await server.Otlp.ExportAsync(Request(Resource("limits", Span(1003, span: 2))), gzip: true)).PartialSuccess); // the room is free again
    }

    [Fact]
    public async Task Clients_that_announce_much_and_send_nothing_hold_up_nobody()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Otlp:MaxBytesInFlight", "4MiB"), ("Otlp:ReceiveTimeout", "1s"));
        using var http = new HttpClient { BaseAddress = server.OtlpUrl };
        Task<bool>[] silent = [.. Enumerable.Range(0, 100).Select(_ => IsAnsweredAsync(http))]; // 100 streams of 64 MiB
        await Task.Delay(200, TestContext.Current.CancellationToken);

        Assert.Null((await server.Otlp.ExportAsync(Request(Resource("limits", Span(1004))), gzip: true)).PartialSuccess);

        Assert.DoesNotContain(true, await Task.WhenAll(silent));
        await server.Tempo.WaitForMetricAsync("tracestore_ingest_requests_rejected_total", value => value > 0, "reason=\"too_slow\"");
    }

    [Fact]
    public async Task A_client_over_its_rate_is_told_when_to_come_again()
    {
        await using TestServer server = await TestServer.StartAsync(null, ("Otlp:MaxClientBytesPerSecond", "16KiB"), ("Otlp:MaxRequestBytes", "64KiB"));
        byte[] noise = new byte[20_000];
        RpcException? refused = null;
        int accepted = 0;
        for (int i = 1; refused is null && i < 100; i++)
        {
            new Random(i).NextBytes(noise);
            Span span = Span(1005, span: i);
            span.Attributes.Add(Attribute("noise", noise));
            try
            {
                await server.Otlp.ExportAsync(Request(Resource("limits", span)));
                accepted++;
            }
            catch (RpcException e)
            {
                refused = e;
            }
        }

        Assert.InRange(accepted, 2, 20);
        Assert.Equal(StatusCode.Unavailable, refused?.StatusCode);
        Assert.Equal("The client 127.0.0.1 sends more than 16384 bytes a second (Otlp:MaxClientBytesPerSecond).", refused!.Status.Detail);
        TimeSpan? retry = refused.GetRpcStatus()?.GetDetail<RetryInfo>()?.RetryDelay.ToTimeSpan();
        Assert.True(retry > TimeSpan.Zero);
        await server.Tempo.WaitForMetricAsync("tracestore_ingest_requests_refused_total", value => value >= 1, "reason=\"client_rate\"");

        await Task.Delay(retry.Value + TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
        await server.Otlp.ExportAsync(Request(Resource("limits", Span(1005, span: 200))));
    }

    private static async Task<bool> IsAnsweredAsync(HttpClient http)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new AnnouncedContent(),
        };
        try
        {
            using HttpResponseMessage response = await http.SendAsync(request);
            return response.Headers.TryGetValues("grpc-status", out var status) && status.Single() == "0";
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>A message that says it has 64 MiB and never comes.</summary>
    private sealed class AnnouncedContent : HttpContent
    {
        public AnnouncedContent() => Headers.TryAddWithoutValidation("Content-Type", "application/grpc");

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync((byte[])[0, 0x04, 0, 0, 0]);
            await stream.FlushAsync();
            await Task.Delay(TimeSpan.FromMinutes(2));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
