namespace TraceStore.Storage.Wal;

/// <summary>
/// The log took nothing: nothing of the append is durable, and the client should send it again after
/// <see cref="RetryAfter"/>. The message says which bound was met or what failed, and what to do about it.
/// </summary>
public sealed class WalRefusedException(string message, TimeSpan retryAfter, Exception? cause = null)
    : Exception(message, cause)
{
    public TimeSpan RetryAfter { get; } = retryAfter;
}
