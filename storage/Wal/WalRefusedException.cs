namespace TraceStore.Storage.Wal;

/// <summary>Why the log takes nothing.</summary>
public enum WalRefusal
{
    /// <summary>Too much waits to be stored.</summary>
    Full,

    /// <summary>The disk has less free space than its reserve.</summary>
    DiskLow,

    /// <summary>Too much waits to be written.</summary>
    DiskSlow,

    /// <summary>The disk failed to write.</summary>
    DiskFailed,

    /// <summary>TraceStore is shutting down.</summary>
    Stopping,
}

/// <summary>
/// The log took nothing: nothing of the append is durable, and the client should send it again after
/// <see cref="RetryAfter"/>. The message says which bound was met or what failed, and what to do about it.
/// </summary>
public sealed class WalRefusedException(WalRefusal reason, string message, TimeSpan retryAfter, Exception? cause = null)
    : Exception(message, cause)
{
    public WalRefusal Reason { get; } = reason;

    public TimeSpan RetryAfter { get; } = retryAfter;
}
