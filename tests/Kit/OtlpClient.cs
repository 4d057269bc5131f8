using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using OpenTelemetry.Proto.Collector.Trace.V1;

namespace TraceStore.Tests;

/// <summary>Sends export requests over gRPC, well formed or not: the bytes are the test's.</summary>
public sealed class OtlpClient : IDisposable
{
    private static readonly Method<byte[], ExportTraceServiceResponse> s_export = new(
        MethodType.Unary,
        "opentelemetry.proto.collector.trace.v1.TraceService",
        "Export",
        Marshallers.Create(static bytes => bytes, static bytes => bytes),
        Marshallers.Create(static message => message.ToByteArray(), ExportTraceServiceResponse.Parser.ParseFrom));

    private readonly GrpcChannel _channel;

    public OtlpClient(int port) => _channel = GrpcChannel.ForAddress($"http://127.0.0.1:{port}");

    public Task<ExportTraceServiceResponse> ExportAsync(ExportTraceServiceRequest request, bool gzip = false) => ExportAsync(request.ToByteArray(), gzip);

    public async Task<ExportTraceServiceResponse> ExportAsync(byte[] request, bool gzip = false, TimeSpan? deadline = null)
    {
        var headers = new Metadata();
        if (gzip) headers.Add("grpc-internal-encoding-request", "gzip");
        return await _channel.CreateCallInvoker().AsyncUnaryCall(s_export, null, new CallOptions(headers, DateTime.UtcNow + (deadline ?? TimeSpan.FromSeconds(30))), request);
    }

    public void Dispose() => _channel.Dispose();
}
