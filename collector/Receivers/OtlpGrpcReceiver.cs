using Google.Rpc;
using Grpc.Core;
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
        using RawExportRequest received = request;
        string client = context.GetHttpContext().Connection.RemoteIpAddress?.ToString() ?? "unknown";
        ExportOutcome outcome = await pipeline.ExportAsync(request.Bytes, client).ConfigureAwait(false);
        return outcome.Kind switch
        {
            ExportOutcomeKind.Accepted => ExportResponses.Of(outcome),
            ExportOutcomeKind.Malformed => throw GrpcFailure.Of(Code.InvalidArgument, outcome.Message).ToRpcException(),
            _ => throw GrpcFailure.Unavailable(outcome.Message, outcome.RetryAfter).ToRpcException(),
        };
    }
}
