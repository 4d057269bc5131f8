using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;

namespace TraceStore.Collector.Receivers;

/// <summary>
/// A request as it came, decompressed but not parsed, in a pooled buffer that disposing gives back. A class, because gRPC
/// asks for one.
/// </summary>
internal sealed class RawExportRequest : IDisposable
{
    private readonly int _length;
    private byte[]? _buffer;

    /// <summary>Copies the bytes: where they come from, they are gone when the call begins.</summary>
    public RawExportRequest(ReadOnlySequence<byte> bytes)
    {
        _length = checked((int)bytes.Length);
        _buffer = ArrayPool<byte>.Shared.Rent(_length);
        bytes.CopyTo(_buffer);
    }

    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is { } buffer) ArrayPool<byte>.Shared.Return(buffer);
    }
}

/// <summary>
/// OTLP's TraceService with the request left as bytes: what a generated base class would be, but for the marshaller. gRPC
/// finds <see cref="Bind"/> through the attribute and the method through its name.
/// </summary>
[BindServiceMethod(typeof(OtlpGrpcContract), nameof(Bind))]
internal abstract class OtlpGrpcContract
{
    private static readonly Method<RawExportRequest, ExportTraceServiceResponse> s_export = new(
        MethodType.Unary,
        "opentelemetry.proto.collector.trace.v1.TraceService",
        nameof(Export),
        Marshallers.Create(
            static (_, _) => throw new NotSupportedException("The server sends no requests."),
            // The sequence is gRPC's own memory and valid only here.
            static context => new RawExportRequest(context.PayloadAsReadOnlySequence())),
        Marshallers.Create(
            static (response, context) => context.Complete(response.ToByteArray()),
            static context => ExportTraceServiceResponse.Parser.ParseFrom(context.PayloadAsReadOnlySequence())));

    public abstract Task<ExportTraceServiceResponse> Export(RawExportRequest request, ServerCallContext context);

    public static void Bind(ServiceBinderBase binder, OtlpGrpcContract? service) =>
        binder.AddMethod(s_export, service is null ? null : new UnaryServerMethod<RawExportRequest, ExportTraceServiceResponse>(service.Export));
}
