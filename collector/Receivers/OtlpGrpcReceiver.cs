using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Proto.Collector.Trace.V1;
using TraceStore.Collector.Pipeline;

namespace TraceStore.Collector.Receivers;

/// <summary>
/// OTLP over gRPC: the protocol's edge. Ingest starts here and goes on in <see cref="IngestPipeline"/>; this class only
/// turns its outcome into OTLP's words (OTLP 1.11, "OTLP/gRPC Response").
/// </summary>
internal sealed class OtlpGrpcReceiver(IngestPipeline pipeline) : OtlpGrpcContract
{
    public override async Task<ExportTraceServiceResponse> Export(RawExportRequest request, ServerCallContext context)
    {
        ExportOutcome outcome = await pipeline.ExportAsync(request.Bytes).ConfigureAwait(false);
        return outcome.Kind switch
        {
            ExportOutcomeKind.Accepted when outcome.RejectedSpans == 0 => new ExportTraceServiceResponse(),
            ExportOutcomeKind.Accepted => new ExportTraceServiceResponse
            {
                PartialSuccess = new ExportTracePartialSuccess { RejectedSpans = outcome.RejectedSpans, ErrorMessage = outcome.Message },
            },
            ExportOutcomeKind.Malformed => throw Failure(Code.InvalidArgument, outcome.Message),
            _ => throw Failure(Code.Unavailable, outcome.Message, new RetryInfo { RetryDelay = Duration.FromTimeSpan(outcome.RetryAfter) }),
        };
    }

    private static RpcException Failure(Code code, string message, RetryInfo? retry = null)
    {
        var status = new Google.Rpc.Status { Code = (int)code, Message = message };
        if (retry is not null) status.Details.Add(Any.Pack(retry));
        return status.ToRpcException();
    }
}

/// <summary>Puts the receiver on a web application.</summary>
public static class OtlpGrpcEndpoint
{
    /// <summary>The largest request, before and after decompression (OTLP 1.11 recommends 64 MiB); gRPC enforces it.</summary>
    public const int MaxRequestBytes = 64 << 20;

    public static IServiceCollection AddOtlpGrpc(this IServiceCollection services)
    {
        services.AddGrpc(options => options.MaxReceiveMessageSize = MaxRequestBytes);
        return services;
    }

    public static IEndpointConventionBuilder MapOtlpGrpc(this IEndpointRouteBuilder endpoints) => endpoints.MapGrpcService<OtlpGrpcReceiver>();
}
