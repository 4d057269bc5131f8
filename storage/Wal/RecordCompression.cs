using System.Collections.Concurrent;
using K4os.Compression.LZ4;
using ZstdSharp;

namespace TraceStore.Storage.Wal;

/// <summary>How a record's body is compressed. Numbers are on disk: never reuse one.</summary>
public enum WalCodec
{
    Stored = 0,
    Lz4 = 1,
    Zstd = 2,
}

/// <summary>Compresses the bodies of records. Any thread may call it.</summary>
internal static class RecordCompression
{
    /// <summary>The fastest but for those that compress no better than LZ4.</summary>
    private const int ZstdLevel = 1;

    private static readonly ConcurrentBag<Compressor> s_compressors = [];
    private static readonly ConcurrentBag<Decompressor> s_decompressors = [];

    /// <summary>What a body takes at most.</summary>
    public static int MostBytes(int length) => Math.Max(LZ4Codec.MaximumOutputSize(length), Compressor.GetCompressBound(length));

    /// <summary>Compresses a body, unless that makes it no smaller.</summary>
    /// <returns>How it was, and its length.</returns>
    public static (WalCodec Codec, int Length) Encode(ReadOnlySpan<byte> body, WalCodec codec, Span<byte> compressed)
    {
        int length = codec == WalCodec.Zstd ? EncodeZstd(body, compressed) : LZ4Codec.Encode(body, compressed);
        if (length > 0 && length < body.Length) return (codec, length);
        body.CopyTo(compressed);
        return (WalCodec.Stored, body.Length);
    }

    /// <summary>Decompresses a body into as many bytes as it had; returns how many it gave, which may be others.</summary>
    /// <exception cref="InvalidDataException">It isn't compressed so, or by a codec that isn't known.</exception>
    public static int Decode(ReadOnlySpan<byte> compressed, WalCodec codec, Span<byte> body)
    {
        switch (codec)
        {
            case WalCodec.Stored:
                return compressed.TryCopyTo(body) ? compressed.Length : -1;
            case WalCodec.Lz4:
                return LZ4Codec.Decode(compressed, body);
            case WalCodec.Zstd:
                return DecodeZstd(compressed, body);
            default:
                throw new InvalidDataException($"the unknown codec {(int)codec}: was it written by a newer TraceStore?");
        }
    }

    private static int EncodeZstd(ReadOnlySpan<byte> body, Span<byte> compressed)
    {
        if (!s_compressors.TryTake(out Compressor? zstd)) zstd = new Compressor(ZstdLevel);
        int length = zstd.Wrap(body, compressed);
        s_compressors.Add(zstd);
        return length;
    }

    private static int DecodeZstd(ReadOnlySpan<byte> compressed, Span<byte> body)
    {
        if (!s_decompressors.TryTake(out Decompressor? zstd)) zstd = new Decompressor();
        try
        {
            return zstd.Unwrap(compressed, body);
        }
        catch (ZstdException e)
        {
            throw new InvalidDataException(e.Message, e);
        }
        finally
        {
            s_decompressors.Add(zstd);
        }
    }
}
