namespace TraceStore.Storage.Wal;

/// <summary>
/// Chooses how records are compressed: Zstandard takes a quarter less on disk than LZ4, and twice the time; so it is for rates at
/// which there is time. Any thread may call it.
/// </summary>
internal sealed class CodecChoice(TimeProvider time)
{
    /// <summary>Of requests, a second; some 40,000 spans. (At that, Zstandard takes a twentieth of a core.)</summary>
    private const long MaxBytesPerSecond = 16 << 20;

    private readonly Lock _lock = new();
    private long _since = time.GetTimestamp();
    private long _bytes;
    private bool _isFast;

    /// <summary>The codec for a request of this size.</summary>
    public WalCodec Next(int bytes)
    {
        lock (_lock)
        {
            double seconds = time.GetElapsedTime(_since).TotalSeconds;
            if (seconds >= 1)
            {
                _isFast = _bytes / seconds > MaxBytesPerSecond;
                (_since, _bytes) = (time.GetTimestamp(), 0);
            }

            _bytes += bytes;
            return _isFast || _bytes > MaxBytesPerSecond ? WalCodec.Lz4 : WalCodec.Zstd;
        }
    }
}
