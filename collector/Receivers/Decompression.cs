using System.IO.Compression;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace TraceStore.Collector.Receivers;

/// <summary>The way a request is compressed; names are those of HTTP and gRPC.</summary>
internal enum ContentCompression
{
    None,
    Gzip,
    Deflate,
    Zstd,
}

/// <summary>A request can't be decompressed, or is too large when it is; the message says which.</summary>
internal sealed class DecompressionException(string message, bool isTooLarge = false) : Exception(message)
{
    public bool IsTooLarge { get; } = isTooLarge;
}

/// <summary>
/// One request that is being decompressed, from memory to memory, piece by piece: who drives it decides when the next piece
/// has its turn. All of the request counts: every member of a gzip file, and nothing may stand behind the last.
/// </summary>
internal sealed class Decompression : IDisposable
{
    /// <summary>The window that zstd's encoders use at most without being told to: 8 MiB.</summary>
    private const int ZstdWindowLog = 23;

    private const int StepBytes = 256 << 10;

    private readonly ReceiveBuffer _compressed;
    private readonly ContentCompression _compression;
    private readonly int _maxBytes;
    private readonly ReceiveBuffer _output;
    private readonly Stream _stream;

    /// <param name="compressed">The request, whole.</param>
    /// <param name="compression">How it is compressed.</param>
    /// <param name="maxBytes">How large it may become.</param>
    /// <param name="output">Gets what comes out; not disposed of here.</param>
    public Decompression(ReceiveBuffer compressed, ContentCompression compression, int maxBytes, ReceiveBuffer output)
    {
        (_compressed, _compression, _maxBytes, _output) = (compressed, compression, maxBytes, output);
        MemoryStream source = compressed.OpenRead();
        _stream = compression switch
        {
            ContentCompression.Gzip => new GZipStream(source, CompressionMode.Decompress),
            ContentCompression.Deflate => new ZLibStream(source, CompressionMode.Decompress),
            ContentCompression.Zstd => Zstd(source),
            _ => throw new ArgumentOutOfRangeException(nameof(compression), compression, "BUG: nothing to decompress"),
        };
    }

    /// <summary>The name of a compression; null where it isn't known.</summary>
    public static ContentCompression? Named(string name) => name.Trim().ToUpperInvariant() switch
    {
        "" or "IDENTITY" => ContentCompression.None,
        "GZIP" or "X-GZIP" => ContentCompression.Gzip,
        "DEFLATE" => ContentCompression.Deflate,
        "ZSTD" => ContentCompression.Zstd,
        _ => null,
    };

    /// <summary>Decompresses a piece. False when that was the last.</summary>
    /// <exception cref="DecompressionException">It isn't what it says it is, or is too large.</exception>
    /// <exception cref="NoRoomException">There is no memory for what comes out.</exception>
    public bool Step()
    {
        try
        {
            Span<byte> room = _output.Room(_maxBytes + 1).Span; // one more, to see the end
            int read = _stream.Read(room[..Math.Min(room.Length, StepBytes)]);
            _output.Advance(read);
            if (_output.Length > _maxBytes) throw new DecompressionException("", isTooLarge: true);
            if (read > 0) return true;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or ZstdException)
        {
            throw new DecompressionException(e.Message);
        }

        bool isWhole = _compression switch
        {
            ContentCompression.Gzip => Checksums.EndsGzip(_compressed.Bytes.Span, _output.Bytes.Span),
            ContentCompression.Deflate => Checksums.EndsZlib(_compressed.Bytes.Span, _output.Bytes.Span),
            _ => _compressed.Length > 0,
        };
        return isWhole ? false : throw new DecompressionException(_compressed.Length == 0 ? "it is empty" : "something else stands behind its end");
    }

    public void Dispose() => _stream.Dispose();

    private static DecompressionStream Zstd(Stream source)
    {
        var zstd = new DecompressionStream(source);
        zstd.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, ZstdWindowLog);
        return zstd;
    }
}
