using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Google.Rpc;
using Grpc.Core;
using Grpc.Net.Client;
using OpenTelemetry.Proto.Collector.Trace.V1;

namespace TraceStore.Load;

/// <summary>Sends export requests over a connection of its own, as they are.</summary>
internal abstract class OtlpSender : IDisposable
{
    public static OtlpSender Connect(OtlpProtocol protocol, Uri url) => protocol == OtlpProtocol.Grpc
        ? new OtlpGrpcSender(url)
        : new OtlpHttpSender(url, protocol == OtlpProtocol.HttpJson ? "application/json" : "application/x-protobuf");

    /// <summary>Sends a request once. Throws only when it is cancelled.</summary>
    public abstract Task<SendOutcome> SendAsync(ReadOnlyMemory<byte> request, CancellationToken cancellation);

    public abstract void Dispose();

    protected static SocketsHttpHandler OneConnection() => new() { MaxConnectionsPerServer = 1, UseProxy = false };
}

/// <summary>The ways in which OTLP is sent.</summary>
internal enum OtlpProtocol
{
    Grpc,
    HttpProtobuf,
    HttpJson,
}

/// <summary>What became of a request.</summary>
/// <param name="RejectedSpans">Spans that the receiver doesn't want, of a request that it took.</param>
/// <param name="Failure">Why it wasn't taken, in the receiver's words; null when it was.</param>
/// <param name="RetryAfter">When to send it again; null when that is no use.</param>
internal readonly record struct SendOutcome(long RejectedSpans, string? Failure = null, TimeSpan? RetryAfter = null)
{
    /// <summary>How long to wait where the receiver doesn't say.</summary>
    private static readonly TimeSpan s_defaultDelay = TimeSpan.FromMilliseconds(200);

    public bool IsTaken => Failure is null;

    public static SendOutcome Retryable(string failure, TimeSpan? after = null) => new(0, failure, after ?? s_defaultDelay);
}

/// <summary>OTLP over gRPC.</summary>
internal sealed class OtlpGrpcSender(Uri url) : OtlpSender
{
    private static readonly Method<ReadOnlyMemory<byte>[], ExportTraceServiceResponse> s_export = new(
        MethodType.Unary,
        "opentelemetry.proto.collector.trace.v1.TraceService",
        "Export",
        Marshallers.Create<ReadOnlyMemory<byte>[]>(
            static (request, context) =>
            {
                context.SetPayloadLength(request[0].Length);
                System.Buffers.BuffersExtensions.Write(context.GetBufferWriter(), request[0].Span);
                context.Complete();
            },
            static _ => throw new NotSupportedException()),
        Marshallers.Create(
            static (_, _) => throw new NotSupportedException(),
            static context => ExportTraceServiceResponse.Parser.ParseFrom(context.PayloadAsReadOnlySequence())));

    private readonly GrpcChannel _channel = GrpcChannel.ForAddress(url, new GrpcChannelOptions { HttpHandler = OneConnection(), DisposeHttpClient = true });

    public override async Task<SendOutcome> SendAsync(ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        try
        {
            var options = new CallOptions(cancellationToken: cancellation);
            ExportTraceServiceResponse response = await _channel.CreateCallInvoker().AsyncUnaryCall(s_export, null, options, [request]).ConfigureAwait(false);
            return new SendOutcome(response.PartialSuccess?.RejectedSpans ?? 0);
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            TimeSpan? after = e.GetRpcStatus()?.GetDetail<RetryInfo>()?.RetryDelay?.ToTimeSpan();
            string failure = $"{e.StatusCode}: {(e.Status.DebugException is HttpRequestException cause ? cause.Message : e.Status.Detail)}";
            return IsRetryable(e.StatusCode, after is not null) ? SendOutcome.Retryable(failure, after) : new SendOutcome(0, failure);
        }
        catch (RpcException e)
        {
            throw new OperationCanceledException(e.Message, e, cancellation);
        }
    }

    public override void Dispose() => _channel.Dispose();

    /// <summary>OTLP 1.11, "Failures" of OTLP/gRPC.</summary>
    private static bool IsRetryable(StatusCode code, bool hasRetryInfo) => code switch
    {
        StatusCode.Cancelled or StatusCode.DeadlineExceeded or StatusCode.Aborted or StatusCode.OutOfRange or StatusCode.Unavailable or StatusCode.DataLoss => true,
        StatusCode.ResourceExhausted => hasRetryInfo,
        _ => false,
    };
}

/// <summary>OTLP over HTTP, in one of its encodings.</summary>
internal sealed class OtlpHttpSender(Uri url, string contentType) : OtlpSender
{
    private readonly HttpClient _http = new(OneConnection()) { Timeout = TimeSpan.FromSeconds(60) };
    private readonly Uri _traces = url.AbsolutePath == "/" ? new Uri(url, "v1/traces") : url;

    public override async Task<SendOutcome> SendAsync(ReadOnlyMemory<byte> request, CancellationToken cancellation)
    {
        try
        {
            using var content = new ReadOnlyMemoryContent(request) { Headers = { ContentType = new MediaTypeHeaderValue(contentType) } };
            using HttpResponseMessage response = await _http.PostAsync(_traces, content, cancellation).ConfigureAwait(false);
            byte[] body = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
            bool isJson = response.Content.Headers.ContentType?.MediaType == "application/json";
            if (response.IsSuccessStatusCode) return new SendOutcome(Read(ExportTraceServiceResponse.Parser, body, isJson)?.PartialSuccess?.RejectedSpans ?? 0);

            string failure = $"HTTP {(int)response.StatusCode}: {Read(Google.Rpc.Status.Parser, body, isJson)?.Message}";
            return IsRetryable(response.StatusCode) ? SendOutcome.Retryable(failure, response.Headers.RetryAfter?.Delta) : new SendOutcome(0, failure);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return SendOutcome.Retryable(e.Message);
        }
    }

    public override void Dispose() => _http.Dispose();

    /// <summary>OTLP 1.11, "Retryable Response Codes" of OTLP/HTTP.</summary>
    private static bool IsRetryable(HttpStatusCode code) =>
        code is HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    private static T? Read<T>(MessageParser<T> parser, byte[] body, bool isJson)
        where T : class, IMessage<T>
    {
        try
        {
            return isJson ? parser.ParseJson(System.Text.Encoding.UTF8.GetString(body)) : parser.ParseFrom(body);
        }
        catch (InvalidProtocolBufferException)
        {
            return null; // not OTLP that answers; its status code says enough
        }
    }
}
