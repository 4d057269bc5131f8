using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using TraceStore.Collector.Pipeline;
using Status = Google.Rpc.Status;

namespace TraceStore.Collector.Receivers;

/// <summary>
/// In front of gRPC, which reads a message whole before our code sees it:
/// <list type="number">
/// <item>Look at the five bytes in front of the message, which say how long it is (gRPC over HTTP/2, "Length-Prefixed-Message").</item>
/// <item>Wait until there is memory for it; refuse when too many wait.</item>
/// <item>Let gRPC read it, within a time.</item>
/// </list>
/// </summary>
internal sealed class OtlpGrpcGate(BytesInFlight inFlight, OtlpGrpcOptions options, IngestMetrics metrics) : IMiddleware
{
    private const int PrefixBytes = 5;
    private const string TooLarge = "8"; // RESOURCE_EXHAUSTED

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        using var late = new Timer(_ => Abort(context), null, options.ReceiveTimeout, Timeout.InfiniteTimeSpan);
        int length = await PeekLengthAsync(context.Request.BodyReader, context.RequestAborted).ConfigureAwait(false); // 1
        bool isTooLarge = length > options.MaxRequestBytes; // gRPC refuses it without reading it
        late.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan); // waiting for memory isn't the client's fault
        using BytesInFlight.RequestLease? lease = await inFlight.LeaseAsync(isTooLarge ? 0 : length, context.RequestAborted).ConfigureAwait(false); // 2
        if (lease is null)
        {
            IngestMetrics.Count(metrics.RequestsRefused, "memory");
            Refuse(context.Response, GrpcFailure.TooMuchInFlight());
            return;
        }

        context.Features.Set(lease);
        context.Features.Set<ReceiveTimer>(new ReceiveTimer(late));
        late.Change(options.ReceiveTimeout, Timeout.InfiniteTimeSpan);
        await next(context).ConfigureAwait(false); // 3
        if (StatusOf(context.Response) == TooLarge) IngestMetrics.Count(metrics.RequestsRejected, "request_size");
    }

    /// <summary>The length that a message announces; 0 when the request ends before it says one.</summary>
    private static async Task<int> PeekLengthAsync(PipeReader body, CancellationToken cancellation)
    {
        while (true)
        {
            ReadResult read = await body.ReadAsync(cancellation).ConfigureAwait(false);
            if (read.Buffer.Length < PrefixBytes && !read.IsCompleted)
            {
                body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            int length = read.Buffer.Length < PrefixBytes ? 0 : LengthIn(read.Buffer);
            body.AdvanceTo(read.Buffer.Start); // gRPC reads it all again
            return length;
        }
    }

    private static int LengthIn(ReadOnlySequence<byte> buffer)
    {
        Span<byte> prefix = stackalloc byte[PrefixBytes];
        buffer.Slice(0, PrefixBytes).CopyTo(prefix);
        return (int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]));
    }

    private void Abort(HttpContext context)
    {
        IngestMetrics.Count(metrics.RequestsRejected, "too_slow");
        context.Abort();
    }

    private static string? StatusOf(HttpResponse response)
    {
        const string status = "grpc-status";
        if (response.Headers.TryGetValue(status, out var header)) return header;
        return response.HttpContext.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResponseTrailersFeature>()?.Trailers[status];
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

    /// <summary>Runs while a request is being received.</summary>
    internal sealed class ReceiveTimer(Timer timer)
    {
        /// <summary>The request is here, whole.</summary>
        public void Stop() => timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }
}
