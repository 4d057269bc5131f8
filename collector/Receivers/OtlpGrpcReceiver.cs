using Google.Rpc;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using OpenTelemetry.Proto.Collector.Trace.V1;
using TraceStore.Collector.Pipeline;

namespace TraceStore.Collector.Receivers;

/// <summary>
/// OTLP over gRPC: the protocol's edge. Ingest starts at the <see cref="OtlpGrpcGate"/>, which receives the request, and goes
/// on in <see cref="IngestPipeline"/>; this class only turns its outcome into OTLP's words (OTLP 1.11, "OTLP/gRPC Response").
/// </summary>
internal sealed class OtlpGrpcReceiver(IngestPipeline pipeline) : OtlpGrpcContract
{
    public override async Task<ExportTraceServiceResponse> Export(ReceivedElsewhere request, ServerCallContext context)
    {
        HttpContext http = context.GetHttpContext();
        ReadOnlyMemory<byte> message = http.Features.GetRequiredFeature<ReceiveBuffer>().Bytes;
        ExportOutcome outcome = await pipeline.ExportAsync(message, http.ClientName()).ConfigureAwait(false);
        return outcome.Kind switch
        {
            ExportOutcomeKind.Accepted => ExportResponses.Of(outcome),
            ExportOutcomeKind.Malformed => throw GrpcFailure.Of(Code.InvalidArgument, outcome.Message).ToRpcException(),
            _ => throw GrpcFailure.Unavailable(outcome.Message, outcome.RetryAfter).ToRpcException(),
        };
    }
}
