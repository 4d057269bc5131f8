namespace TraceStore.Storage.Wal;

/// <summary>Decides whether the log takes one more request. It refuses before anything fails, and says why.</summary>
internal sealed class AppendBounds(SegmentFiles files, WalOptions options, TimeProvider time)
{
    public static readonly TimeSpan RetryWhenBusy = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan RetryWhenFull = TimeSpan.FromSeconds(10);

    private readonly DiskSpace _space = new(options.Directory, time);

    /// <summary>The refusal of a request; null when there is room.</summary>
    /// <param name="requestBytes">Its size before compression.</param>
    /// <param name="pendingBytes">What waits to be written.</param>
    public WalRefusedException? WhyRefused(int requestBytes, long pendingBytes)
    {
        long held = files.HeldBytes;
        if (held + requestBytes > options.MaxBytes)
        {
            return new WalRefusedException(
                WalRefusal.Full,
                $"The write-ahead log is full: {held >> 20} of {options.MaxBytes >> 20} MiB wait to be stored or archived. Are ClickHouse and the archive up? (/readyz says; Wal:MaxBytes raises the bound.)",
                RetryWhenFull);
        }

        long free = _space.FreeBytes;
        if (free - requestBytes < options.MinFreeBytes)
        {
            return new WalRefusedException(
                WalRefusal.DiskLow,
                $"The disk of {options.Directory} is low: {free >> 20} MiB are free, {options.MinFreeBytes >> 20} MiB are kept in reserve. "
                + "Make room, or let less be kept (Retention:MaxAge, Retention:MaxBytes; Wal:MinFreeBytes is the reserve).",
                RetryWhenFull);
        }

        return pendingBytes + requestBytes > options.MaxPendingBytes
            ? new WalRefusedException(WalRefusal.DiskSlow, "The disk is slower than the clients: too much waits for the write-ahead log.", RetryWhenBusy)
            : null;
    }
}
