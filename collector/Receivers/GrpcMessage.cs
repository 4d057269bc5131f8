using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Rpc;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace TraceStore.Collector.Receivers;

/// <summary>
/// The one message of a unary gRPC request (gRPC over HTTP/2, "Length-Prefixed-Message"): a byte that says whether it is
/// compressed, four that say how long it is, then the message.
/// </summary>
internal static class GrpcMessage
{
    private const int PrefixBytes = 5;

    /// <summary>An empty message, with its prefix.</summary>
    public static ReadOnlyMemory<byte> Empty { get; } = new byte[PrefixBytes];

    /// <summary>Receives the message, decompressed, taking memory for it as it comes.</summary>
    /// <exception cref="RpcException">It is too large, or no message.</exception>
    /// <exception cref="NoRoomException">There is no memory for it now.</exception>
    /// <exception cref="OperationCanceledException">It took too long, or the client has gone.</exception>
    public static async Task<ReceiveBuffer> ReceiveAsync(HttpContext context, OtlpOptions options, RequestDecompressor decompressor, BytesInFlight.RequestLease lease)
    {
        var received = new ReceiveBuffer(lease);
        try
        {
            bool isCompressed = await ReceiveAsync(context, received, options).ConfigureAwait(false);
            if (!isCompressed || received.Length == 0) return received; // of nothing, some encoders make nothing
            ReceiveBuffer decompressed = await DecompressAsync(received, context.Request.Headers["grpc-encoding"].ToString(), options, decompressor, lease).ConfigureAwait(false);
            received.Dispose();
            return decompressed;
        }
        catch
        {
            received.Dispose();
            throw;
        }
    }

    private static async Task<bool> ReceiveAsync(HttpContext context, ReceiveBuffer received, OtlpOptions options)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(options.ReceiveTimeout);
        PipeReader body = context.Request.BodyReader;
        byte[]? prefix = null;
        int length = 0;
        while (true)
        {
            ReadResult read = await body.ReadAsync(limit.Token).ConfigureAwait(false);
            ReadOnlySequence<byte> bytes = read.Buffer;
            if (prefix is null && bytes.Length >= PrefixBytes)
            {
                prefix = bytes.Slice(0, PrefixBytes).ToArray();
                uint announced = BinaryPrimitives.ReadUInt32BigEndian(prefix.AsSpan(1));
                if (prefix[0] > 1) throw Malformed($"its first byte is {prefix[0]}, not 0 or 1");
                if (announced > options.MaxRequestBytes) throw TooLarge(options);
                length = (int)announced;
                bytes = bytes.Slice(PrefixBytes);
            }

            if (prefix is null)
            {
                body.AdvanceTo(bytes.Start, bytes.End);
                if (read.IsCompleted) throw Malformed(bytes.IsEmpty ? "there is none" : "it ends in the middle");
                continue;
            }

            if (bytes.Length > length - received.Length) throw Malformed("something stands behind it");
            received.Append(bytes, length);
            body.AdvanceTo(bytes.End);
            if (!read.IsCompleted) continue;
            return received.Length == length ? prefix[0] == 1 : throw Malformed("it ends in the middle");
        }
    }

    private static async Task<ReceiveBuffer> DecompressAsync(ReceiveBuffer received, string encoding, OtlpOptions options, RequestDecompressor decompressor, BytesInFlight.RequestLease lease)
    {
        ContentCompression compression = Decompression.Named(encoding)
            ?? throw GrpcFailure.Of(Code.Unimplemented, $"grpc-encoding '{encoding}' is not supported: gzip, deflate and zstd are.").ToRpcException();
        if (compression == ContentCompression.None) throw Malformed("it is marked as compressed, and no grpc-encoding says how");
        try
        {
            return await decompressor.RunAsync(received, compression, options.MaxRequestBytes, lease).ConfigureAwait(false);
        }
        catch (DecompressionException e)
        {
            throw e.IsTooLarge ? TooLarge(options) : Malformed($"it isn't what grpc-encoding '{encoding}' says: {e.Message}");
        }
    }

    private static RpcException Malformed(string what) => GrpcFailure.Of(Code.InvalidArgument, $"The request is no gRPC message: {what}.").ToRpcException();

    private static RpcException TooLarge(OtlpOptions options) => GrpcFailure.TooLarge(options.MaxRequestBytes).ToRpcException();
}
