namespace TraceStore.Storage.Wal;

/// <summary>
/// The requests of the last ten minutes, by hash. A client whose acknowledgement was lost sends the same bytes again: it is
/// given the outcome of the append that is there already. What slips past (a window that overflowed, a restart long after)
/// is stored twice, and shown as one span.
/// </summary>
internal sealed class ResendWindow(TimeProvider time)
{
    public static readonly TimeSpan Length = TimeSpan.FromMinutes(10);

    /// <summary>Bounds the window's memory to about 100 MB.</summary>
    private const int MaxRequests = 1_000_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, Task> _appends = [];
    private readonly Queue<(UInt128 Hash, long Timestamp)> _byAge = [];

    /// <summary>The append of an equal request, if there was one in the window that hasn't failed.</summary>
    public Task? Find(UInt128 hash)
    {
        lock (_lock)
        {
            Expire();
            return _appends.TryGetValue(hash, out Task? append) && !append.IsFaulted ? append : null;
        }
    }

    /// <summary>As <see cref="Find"/>; when there is none, starts the append and keeps it.</summary>
    public Task FindOrStart(UInt128 hash, Func<Task> start)
    {
        lock (_lock)
        {
            if (Find(hash) is { } known) return known;
            Task append = start();
            _appends[hash] = append;
            _byAge.Enqueue((hash, time.GetTimestamp()));
            return append;
        }
    }

    private void Expire()
    {
        while (_byAge.TryPeek(out var oldest) && (_byAge.Count > MaxRequests || time.GetElapsedTime(oldest.Timestamp) > Length))
        {
            _byAge.Dequeue();
            _appends.Remove(oldest.Hash);
        }
    }
}
