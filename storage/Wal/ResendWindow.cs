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
    private readonly Dictionary<UInt128, (Task Append, long Timestamp)> _appends = [];
    private readonly Queue<(UInt128 Hash, long Timestamp)> _byAge = [];

    /// <summary>The append of an equal request, if there was one in the window that hasn't failed.</summary>
    public Task? Find(UInt128 hash)
    {
        lock (_lock)
        {
            Expire();
            return _appends.TryGetValue(hash, out var known) && !known.Append.IsFaulted ? known.Append : null;
        }
    }

    /// <summary>As <see cref="Find"/>; when there is none, starts the append and keeps it.</summary>
    public Task FindOrStart(UInt128 hash, Func<Task> start)
    {
        lock (_lock)
        {
            if (Find(hash) is { } known) return known;
            Task append = start();
            long now = time.GetTimestamp();
            _appends[hash] = (append, now);
            _byAge.Enqueue((hash, now));
            return append;
        }
    }

    private void Expire()
    {
        while (_byAge.TryPeek(out var oldest) && (_byAge.Count > MaxRequests || time.GetElapsedTime(oldest.Timestamp) > Length))
        {
            _byAge.Dequeue();
            if (_appends.TryGetValue(oldest.Hash, out var append) && append.Timestamp == oldest.Timestamp) _appends.Remove(oldest.Hash); // not a later one
        }
    }
}
