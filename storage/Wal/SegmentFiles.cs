namespace TraceStore.Storage.Wal;

/// <summary>
/// The files of a log's segments, between the one who writes them and those who read them: which are sealed, and so sinks'
/// to read; which are stored, and so to be deleted; and what they take on disk. Any thread may call it.
/// </summary>
internal sealed class SegmentFiles
{
    private readonly string _directory;
    private readonly Lock _lock = new();

    // Under the lock.
    private readonly SortedDictionary<ulong, long> _sealed;
    private TaskCompletionSource _more = NewSignal();
    private ulong _newest;
    private ulong _storedThrough;
    private long _bytes;
    private long _storedBytes;

    /// <param name="directory">The log's folder.</param>
    /// <param name="found">Bytes of the segments that are there already, by number: all sealed.</param>
    public SegmentFiles(string directory, IReadOnlyDictionary<ulong, long> found)
    {
        _directory = directory;
        _sealed = new SortedDictionary<ulong, long>(found.ToDictionary());
        _newest = _sealed.Keys.LastOrDefault();
        _bytes = _sealed.Values.Sum();
    }

    /// <summary>Bytes on disk.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock) return _bytes;
        }
    }

    /// <summary>Bytes that aren't known to be stored.</summary>
    public long WaitingBytes
    {
        get
        {
            lock (_lock) return _bytes - _storedBytes;
        }
    }

    /// <summary>Sealed segments that aren't known to be stored.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock) return SealedBehind(_storedThrough);
        }
    }

    /// <summary>Sealed segments behind a position.</summary>
    public int SealedBehind(ulong position)
    {
        lock (_lock) return _sealed.Keys.Count(number => number > position);
    }

    /// <summary>The writer has created a segment's file, which is the newest.</summary>
    public void NoteCreated(ulong number, long bytes)
    {
        lock (_lock)
        {
            _newest = number;
            _bytes += bytes;
        }
    }

    /// <summary>The writer has appended to the newest file.</summary>
    public void NoteAppended(long bytes)
    {
        lock (_lock) _bytes += bytes;
    }

    /// <summary>The writer is done with a segment: sinks may read it.</summary>
    public void NoteSealed(ulong number, long bytes)
    {
        TaskCompletionSource more;
        lock (_lock)
        {
            _sealed.Add(number, bytes);
            (more, _more) = (_more, NewSignal());
        }

        more.SetResult();
    }

    /// <summary>Waits for a sealed segment behind a position and returns the first.</summary>
    public async Task<string> NextSealedAsync(ulong position, CancellationToken cancellation)
    {
        while (true)
        {
            Task more;
            lock (_lock)
            {
                foreach (ulong number in _sealed.Keys)
                {
                    if (number > position) return WalSegment.PathOf(_directory, number);
                }

                more = _more.Task;
            }

            await more.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Deletes the files up to a position, all but the newest.</summary>
    public void TruncateThrough(ulong position)
    {
        ulong[] done;
        lock (_lock)
        {
            _storedThrough = position;
            done = [.. _sealed.Keys.Where(number => number <= position && number < _newest)];
            foreach (ulong number in done)
            {
                _bytes -= _sealed[number];
                _sealed.Remove(number);
            }

            _storedBytes = _sealed.Where(segment => segment.Key <= position).Sum(segment => segment.Value);
        }

        foreach (ulong number in done) File.Delete(WalSegment.PathOf(_directory, number));
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
