using System.Buffers;
using System.IO.Compression;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace TraceStore.Collector.Receivers;

/// <summary>The body of a request, decompressed, in a pooled buffer that disposing gives back.</summary>
internal sealed class HttpBody : IDisposable
{
    private const int FirstBufferBytes = 1 << 20;

    /// <summary>The window that zstd's encoders use at most without being told to (level 19): 8 MiB. It is memory of ours.</summary>
    private const int ZstdWindowLog = 23;

    private byte[] _buffer;
    private int _length;

    private HttpBody(int size) => _buffer = ArrayPool<byte>.Shared.Rent(size);

    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <summary>Reads a body within the bounds, taking memory for it as it comes.</summary>
    /// <exception cref="HttpFailure">It is too large, too slow, not decompressible, or there is no memory for it now.</exception>
    public static async Task<HttpBody> ReadAsync(HttpContext context, OtlpOptions options, BytesInFlight.RequestLease lease)
    {
        HttpRequest request = context.Request;
        if (request.ContentLength > options.MaxRequestBytes) throw HttpFailure.TooLarge(options.MaxRequestBytes);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = options.MaxRequestBytes;

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(options.ReceiveTimeout);
        var body = new HttpBody((int)Math.Clamp(request.ContentLength + 1 ?? 0, 4 << 10, FirstBufferBytes));
        try
        {
            Stream decompressed = Decompress(request, lease);
            await using (decompressed.ConfigureAwait(false))
            {
                await body.FillAsync(decompressed, options.MaxRequestBytes, lease, limit.Token).ConfigureAwait(false);
            }

            return body;
        }
        catch (Exception e)
        {
            body.Dispose();
            if (Translate(e, context, options) is { } failure) throw failure;
            throw;
        }
    }

    public void Dispose()
    {
        byte[] buffer = _buffer;
        (_buffer, _length) = ([], 0);
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
    }

    private async Task FillAsync(Stream source, int maxBytes, BytesInFlight.RequestLease lease, CancellationToken cancellation)
    {
        while (true)
        {
            if (_length == _buffer.Length) Grow();
            int read = await source.ReadAsync(_buffer.AsMemory(_length), cancellation).ConfigureAwait(false);
            if (read == 0) return;
            _length += read;
            if (_length > maxBytes) throw HttpFailure.TooLarge(maxBytes);
            if (!lease.TryGrow(read)) throw HttpFailure.TooMuchInFlight();
        }
    }

    private void Grow()
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        Bytes.Span.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private static Stream Decompress(HttpRequest request, BytesInFlight.RequestLease lease)
    {
        string encoding = request.Headers.ContentEncoding.ToString().Trim();
        switch (encoding.ToUpperInvariant())
        {
            case "" or "IDENTITY":
                return request.Body;
            case "GZIP" or "X-GZIP":
                return new GZipStream(request.Body, CompressionMode.Decompress);
            case "DEFLATE":
                return new ZLibStream(request.Body, CompressionMode.Decompress);
            case "ZSTD":
                if (!lease.TryGrow(1 << ZstdWindowLog)) throw HttpFailure.TooMuchInFlight();
                var zstd = new DecompressionStream(request.Body);
                zstd.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, ZstdWindowLog);
                return zstd;
            default:
                throw HttpFailure.Unsupported($"Content-Encoding '{encoding}' is not supported: gzip, deflate and zstd are.");
        }
    }

    private static HttpFailure? Translate(Exception failure, HttpContext context, OtlpOptions options) => failure switch
    {
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => HttpFailure.TooLarge(options.MaxRequestBytes),
        BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } => HttpFailure.TooSlow(options.ReceiveTimeout),
        BadHttpRequestException e => HttpFailure.Malformed(e.Message),
        InvalidDataException or ZstdException or EndOfStreamException => HttpFailure.Malformed($"The body can't be decompressed as Content-Encoding says: {failure.Message}"),
        OperationCanceledException when !context.RequestAborted.IsCancellationRequested => HttpFailure.TooSlow(options.ReceiveTimeout),
        _ => null,
    };
}
