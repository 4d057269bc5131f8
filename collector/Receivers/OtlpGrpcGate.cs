using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using TraceStore.Collector.Pipeline;
using Status = Google.Rpc.Status;

namespace TraceStore.Collector.Receivers;

/// <summary>
/// In front of gRPC, which reads a message whole before our code sees it:
/// <list type="number">
/// <item>Look at the five bytes in front of the message, which say how long it is (gRPC over HTTP/2, "Length-Prefixed-Message").</item>
/// <item>Wait until it is here, within a time, and take memory for it as it comes; refuse it when there is none.</item>
/// <item>Let gRPC read it.</item>
/// </list>
/// </summary>
internal sealed class OtlpGrpcGate(BytesInFlight inFlight, OtlpOptions options, IngestMetrics metrics) : IMiddleware
{
    private const int PrefixBytes = 5;
    private const string TooLarge = "8"; // RESOURCE_EXHAUSTED

    private enum Arrival
    {
        /// <summary>The message is here, or is none that needs memory; gRPC says what it is.</summary>
        Complete,

        /// <summary>There is no memory for it now.</summary>
        NoMemory,

        /// <summary>It took too long.</summary>
        TooSlow,
    }

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        using BytesInFlight.RequestLease? lease = inFlight.TryLease();
        switch (lease is null ? Arrival.NoMemory : await ArriveAsync(context, lease).ConfigureAwait(false)) // 1, 2
        {
            case Arrival.NoMemory:
                IngestMetrics.Count(metrics.RequestsRefused, "memory");
                Refuse(context.Response, GrpcFailure.TooMuchInFlight());
                return;
            case Arrival.TooSlow:
                IngestMetrics.Count(metrics.RequestsRejected, "too_slow");
                context.Abort();
                return;
        }

        context.Features.Set(lease);
        await next(context).ConfigureAwait(false); // 3
        if (StatusOf(context.Response) == TooLarge) IngestMetrics.Count(metrics.RequestsRejected, "request_size");
    }

    private async Task<Arrival> ArriveAsync(HttpContext context, BytesInFlight.RequestLease lease)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(options.ReceiveTimeout);
        PipeReader body = context.Request.BodyReader;
        long arrived = 0;
        try
        {
            while (true)
            {
                ReadResult read = await body.ReadAsync(limit.Token).ConfigureAwait(false);
                long length = LengthOf(read.Buffer); // 1
                bool isHere = read.IsCompleted || read.Buffer.Length >= length || length > PrefixBytes + (long)options.MaxRequestBytes; // gRPC refuses it unread
                bool hasRoom = lease.TryGrow(Math.Min(read.Buffer.Length, length) - arrived); // 2
                arrived = Math.Min(read.Buffer.Length, length);
                body.AdvanceTo(read.Buffer.Start, isHere || !hasRoom ? read.Buffer.Start : read.Buffer.End); // gRPC reads it all again
                if (!hasRoom) return Arrival.NoMemory;
                if (isHere) return Arrival.Complete;
            }
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            return Arrival.TooSlow;
        }
    }

    /// <summary>The length of the message and what is in front of it, as far as that has come.</summary>
    private static long LengthOf(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < PrefixBytes) return PrefixBytes;
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        return PrefixBytes + (long)BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
    }

    private static string? StatusOf(HttpResponse response)
    {
        const string status = "grpc-status";
        if (response.Headers.TryGetValue(status, out var header)) return header;
        return response.HttpContext.Features.Get<IHttpResponseTrailersFeature>()?.Trailers[status];
    }

    /// <summary>Answers before the request is read: a gRPC response of trailers alone (gRPC over HTTP/2, "Trailers-Only").</summary>
    private static void Refuse(HttpResponse response, Status status)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = status.Code.ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Uri.EscapeDataString(status.Message);
        response.Headers["grpc-status-details-bin"] = Convert.ToBase64String(status.ToByteArray()).TrimEnd('=');
    }
}
