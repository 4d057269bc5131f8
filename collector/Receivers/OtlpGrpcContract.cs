using Google.Protobuf;
using Grpc.Core;
using OpenTelemetry.Proto.Collector.Trace.V1;

namespace TraceStore.Collector.Receivers;

/// <summary>What gRPC knows of a request: nothing, for the <see cref="OtlpGrpcGate"/> has received it already. A class, because gRPC asks for one.</summary>
internal sealed class ReceivedElsewhere
{
    public static ReceivedElsewhere Instance { get; } = new();
}

/// <summary>
/// OTLP's TraceService with the request left as bytes: what a generated base class would be, but for the marshaller. gRPC
/// finds <see cref="Bind"/> through the attribute and the method through its name.
/// </summary>
[BindServiceMethod(typeof(OtlpGrpcContract), nameof(Bind))]
internal abstract class OtlpGrpcContract
{
    private static readonly Method<ReceivedElsewhere, ExportTraceServiceResponse> s_export = new(
        MethodType.Unary,
        "opentelemetry.proto.collector.trace.v1.TraceService",
        nameof(Export),
        Marshallers.Create(
            static (_, _) => throw new NotSupportedException("The server sends no requests."),
            static _ => ReceivedElsewhere.Instance),
        Marshallers.Create(
            static (response, context) => context.Complete(response.ToByteArray()),
            static context => ExportTraceServiceResponse.Parser.ParseFrom(context.PayloadAsReadOnlySequence())));

    public abstract Task<ExportTraceServiceResponse> Export(ReceivedElsewhere request, ServerCallContext context);

    public static void Bind(ServiceBinderBase binder, OtlpGrpcContract? service) =>
        binder.AddMethod(s_export, service is null ? null : new UnaryServerMethod<ReceivedElsewhere, ExportTraceServiceResponse>(service.Export));
}
