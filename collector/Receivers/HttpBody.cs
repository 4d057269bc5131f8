using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace TraceStore.Collector.Receivers;

/// <summary>Reads the body of a request over HTTP, and decompresses it.</summary>
internal static class HttpBody
{
    /// <summary>Reads a body within the bounds, taking memory for it as it comes.</summary>
    /// <exception cref="HttpFailure">It is too large, too slow or not decompressible.</exception>
    /// <exception cref="NoRoomException">There is no memory for it now.</exception>
    /// <exception cref="OperationCanceledException">The client has gone.</exception>
    public static async Task<ReceiveBuffer> ReadAsync(HttpContext context, OtlpOptions options, RequestDecompressor decompressor, BytesInFlight.RequestLease lease)
    {
        HttpRequest request = context.Request;
        ContentCompression compression = Decompression.Named(request.Headers.ContentEncoding.ToString())
            ?? throw HttpFailure.Unsupported($"Content-Encoding '{request.Headers.ContentEncoding}' is not supported: gzip, deflate and zstd are.");
        if (request.ContentLength > options.MaxRequestBytes) throw HttpFailure.TooLarge(options.MaxRequestBytes);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = options.MaxRequestBytes;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null; // ReceiveTimeout bounds it

        var received = new ReceiveBuffer(lease);
        try
        {
            await ReceiveAsync(context, received, options).ConfigureAwait(false);
            if (compression == ContentCompression.None) return received;
            ReceiveBuffer decompressed = await DecompressAsync(received, compression, options, decompressor, lease, request.Headers.ContentEncoding.ToString()).ConfigureAwait(false);
            received.Dispose();
            return decompressed;
        }
        catch
        {
            received.Dispose();
            throw;
        }
    }

    private static async Task ReceiveAsync(HttpContext context, ReceiveBuffer received, OtlpOptions options)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(options.ReceiveTimeout);
        int expected = (int)(context.Request.ContentLength ?? options.MaxRequestBytes);
        PipeReader body = context.Request.BodyReader;
        try
        {
            while (true)
            {
                ReadResult read = await body.ReadAsync(limit.Token).ConfigureAwait(false);
                bool isTooLarge = received.Length + read.Buffer.Length > options.MaxRequestBytes;
                try
                {
                    if (!isTooLarge) received.Append(read.Buffer, expected);
                }
                finally
                {
                    body.AdvanceTo(read.Buffer.End);
                }

                if (isTooLarge) throw HttpFailure.TooLarge(options.MaxRequestBytes);
                if (read.IsCompleted) return;
            }
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            throw new OperationCanceledException(context.RequestAborted);
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw HttpFailure.TooLarge(options.MaxRequestBytes);
        }
        catch (OperationCanceledException)
        {
            throw HttpFailure.TooSlow(options.ReceiveTimeout);
        }
        catch (IOException e)
        {
            throw HttpFailure.Malformed($"The body can't be read: {e.Message}");
        }
    }

    private static async Task<ReceiveBuffer> DecompressAsync(
        ReceiveBuffer received, ContentCompression compression, OtlpOptions options, RequestDecompressor decompressor, BytesInFlight.RequestLease lease, string encoding)
    {
        try
        {
            return await decompressor.RunAsync(received, compression, options.MaxRequestBytes, lease).ConfigureAwait(false);
        }
        catch (DecompressionException e)
        {
            throw e.IsTooLarge ? HttpFailure.TooLarge(options.MaxRequestBytes) : HttpFailure.Malformed($"The body isn't what Content-Encoding '{encoding}' says: {e.Message}.");
        }
    }
}
