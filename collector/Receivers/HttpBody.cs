using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace TraceStore.Collector.Receivers;

/// <summary>The body of a request, decompressed, in a pooled buffer that disposing gives back.</summary>
internal sealed class HttpBody : IDisposable
{
    private const int FirstBufferBytes = 1 << 20;

    /// <summary>The window that zstd's encoders use at most without being told to: 8 MiB.</summary>
    private const int ZstdWindowLog = 23;

    private byte[] _buffer;
    private int _length;

    private HttpBody(long size) => _buffer = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(size, 4 << 10, FirstBufferBytes));

    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, _length);

    /// <summary>Reads a body within the bounds, taking memory for it as it comes.</summary>
    /// <exception cref="HttpFailure">It is too large, too slow, not decompressible, or there is no memory for it now.</exception>
    /// <exception cref="OperationCanceledException">The client has gone.</exception>
    public static async Task<HttpBody> ReadAsync(HttpContext context, OtlpOptions options, BytesInFlight.RequestLease lease)
    {
        HttpRequest request = context.Request;
        if (request.ContentLength > options.MaxRequestBytes) throw HttpFailure.TooLarge(options.MaxRequestBytes);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size) size.MaxRequestBodySize = options.MaxRequestBytes;
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate) rate.MinDataRate = null; // ReceiveTimeout bounds it

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(options.ReceiveTimeout);
        try
        {
            return await ReadAsync(request, options.MaxRequestBytes, lease, limit.Token).ConfigureAwait(false);
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
        catch (Exception e) when (e is IOException or InvalidDataException or ZstdException)
        {
            throw HttpFailure.Malformed($"The body can't be read, or isn't what Content-Encoding '{request.Headers.ContentEncoding}' says: {e.Message}");
        }
    }

    public void Dispose()
    {
        byte[] buffer = _buffer;
        (_buffer, _length) = ([], 0);
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
    }

    private static async Task<HttpBody> ReadAsync(HttpRequest request, int maxBytes, BytesInFlight.RequestLease lease, CancellationToken cancellation)
    {
        string encoding = request.Headers.ContentEncoding.ToString().Trim().ToUpperInvariant();
        bool isCompressed = encoding is not ("" or "IDENTITY");
        if (isCompressed) await ExpectBytesAsync(request.BodyReader, encoding, cancellation).ConfigureAwait(false);
        Stream wire = request.BodyReader.AsStream(leaveOpen: true);
        switch (encoding)
        {
            case "" or "IDENTITY":
                return await ReadAllAsync(wire, request.ContentLength, maxBytes, lease, cancellation).ConfigureAwait(false);
            case "GZIP" or "X-GZIP":
                return await ReadAllAsync(new GZipStream(wire, CompressionMode.Decompress), null, maxBytes, lease, cancellation).ConfigureAwait(false);
            case "DEFLATE":
                return await ReadAllAsync(new ZLibStream(wire, CompressionMode.Decompress), null, maxBytes, lease, cancellation).ConfigureAwait(false);
            case "ZSTD":
                using (HttpBody compressed = await ReadAllAsync(wire, request.ContentLength, maxBytes, lease, cancellation).ConfigureAwait(false))
                {
                    return await DecompressZstdAsync(compressed, maxBytes, lease, cancellation).ConfigureAwait(false);
                }

            default:
                throw HttpFailure.Unsupported($"Content-Encoding '{request.Headers.ContentEncoding}' is not supported: gzip, deflate and zstd are.");
        }
    }

    /// <summary>No bytes at all decompress to none without a complaint, but they are no compressed request.</summary>
    private static async Task ExpectBytesAsync(PipeReader body, string encoding, CancellationToken cancellation)
    {
        ReadResult read = await body.ReadAsync(cancellation).ConfigureAwait(false);
        bool isEmpty = read.IsCompleted && read.Buffer.IsEmpty;
        body.AdvanceTo(read.Buffer.Start);
        if (isEmpty) throw HttpFailure.Malformed($"The body is empty, which isn't {encoding}.");
    }

    /// <summary>
    /// Decompresses what is here already: the window is up to 8 MiB, whatever the frame's few bytes say, and must not be held
    /// while a client takes its time.
    /// </summary>
    private static async Task<HttpBody> DecompressZstdAsync(HttpBody compressed, int maxBytes, BytesInFlight.RequestLease lease, CancellationToken cancellation)
    {
        using var zstd = new DecompressionStream(new MemoryStream(compressed._buffer, 0, compressed._length, writable: false));
        zstd.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, ZstdWindowLog);
        return await ReadAllAsync(zstd, compressed._length * 4L, maxBytes, lease, cancellation).ConfigureAwait(false);
    }

    private static async Task<HttpBody> ReadAllAsync(Stream source, long? expectedBytes, int maxBytes, BytesInFlight.RequestLease lease, CancellationToken cancellation)
    {
        var body = new HttpBody(expectedBytes + 1 ?? 0);
        try
        {
            while (true)
            {
                if (body._length == body._buffer.Length) body.Grow(maxBytes);
                int read = await source.ReadAsync(body._buffer.AsMemory(body._length), cancellation).ConfigureAwait(false);
                if (read == 0) return body;
                body._length += read;
                if (body._length > maxBytes) throw HttpFailure.TooLarge(maxBytes);
                if (!lease.TryGrow(read)) throw HttpFailure.TooMuchInFlight();
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
        finally
        {
            await source.DisposeAsync().ConfigureAwait(false);
        }
    }

    private void Grow(int maxBytes)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(_buffer.Length * 2L, maxBytes + 1L)); // one more, to see the end
        Bytes.Span.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
