using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using TraceStore.Collector.Pipeline;
using Status = Google.Rpc.Status;

namespace TraceStore.Collector.Receivers;

/// <summary>
/// In front of gRPC, which would receive and decompress each message whole, however many come at once, before our code sees
/// it:
/// <list type="number">
/// <item>Refuse clients that have sent more than they may.</item>
/// <item>Receive the message, decompressed, within a time, and take memory for it as it comes (<see cref="GrpcMessage"/>).</item>
/// <item>Let gRPC serve the call, on an empty message; the receiver takes the one that was received from the call's features.</item>
/// </list>
/// </summary>
internal sealed class OtlpGrpcGate(BytesInFlight inFlight, RequestDecompressor decompressor, OtlpOptions options, IngestPipeline pipeline) : IMiddleware
{
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        string client = context.ClientName();
        if (pipeline.WhyKeptOut(client) is { } keptOut) // 1
        {
            Refuse(context, GrpcFailure.Unavailable(keptOut.Message, keptOut.RetryAfter));
            return;
        }

        using BytesInFlight.RequestLease lease = inFlight.Begin(client);
        try
        {
            lease.Grow(BytesInFlight.BytesPerRequest);
            using ReceiveBuffer message = await GrpcMessage.ReceiveAsync(context, options, decompressor, lease).ConfigureAwait(false); // 2
            context.Features.Set(message);
            context.Features.Set<IRequestBodyPipeFeature>(new EmptyMessage());
            await next(context).ConfigureAwait(false); // 3
        }
        catch (NoRoomException noRoom)
        {
            pipeline.NoteRefused(noRoom.Reason, noRoom.Message);
            Refuse(context, GrpcFailure.Unavailable(noRoom.Message, BytesInFlight.RetryAfter));
        }
        catch (RpcException rejected) when (!context.Response.HasStarted)
        {
            pipeline.NoteRejected(client, rejected.StatusCode == StatusCode.ResourceExhausted ? "request_size" : "not_otlp", lease.PeakBytes);
            Refuse(context, rejected.GetRpcStatus()!);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            if (!context.RequestAborted.IsCancellationRequested) pipeline.NoteRejected(client, "too_slow", lease.PeakBytes);
            context.Abort(); // too slow, or gone
        }
    }

    /// <summary>Answers in gRPC's stead: a response of trailers alone (gRPC over HTTP/2, "Trailers-Only").</summary>
    private static void Refuse(HttpContext context, Status status)
    {
        HttpResponse response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = status.Code.ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Uri.EscapeDataString(status.Message);
        response.Headers["grpc-status-details-bin"] = Convert.ToBase64String(status.ToByteArray()).TrimEnd('=');
    }

    /// <summary>The request's body as gRPC is to see it.</summary>
    private sealed class EmptyMessage : IRequestBodyPipeFeature
    {
        public PipeReader Reader { get; } = PipeReader.Create(new ReadOnlySequence<byte>(GrpcMessage.Empty));
    }
}
