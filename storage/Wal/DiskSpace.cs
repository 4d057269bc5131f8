namespace TraceStore.Storage.Wal;

/// <summary>The free space of the disk that a folder is on, looked at now and then, for asking costs a system call.</summary>
internal sealed class DiskSpace(string directory, TimeProvider time)
{
    private static readonly TimeSpan s_age = TimeSpan.FromMilliseconds(250);

    private long _lookedAt = long.MinValue;
    private long _freeBytes = long.MaxValue;

    /// <summary>What this user may still write; where the system doesn't say, no bound.</summary>
    public long FreeBytes
    {
        get
        {
            long lookedAt = Interlocked.Read(ref _lookedAt);
            if (lookedAt != long.MinValue && time.GetElapsedTime(lookedAt) < s_age) return Interlocked.Read(ref _freeBytes);
            try
            {
                Interlocked.Exchange(ref _freeBytes, new DriveInfo(directory).AvailableFreeSpace);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                Interlocked.Exchange(ref _freeBytes, long.MaxValue); // the write will tell
            }

            Interlocked.Exchange(ref _lookedAt, time.GetTimestamp());
            return Interlocked.Read(ref _freeBytes);
        }
    }
}
