namespace TraceStore.Storage.Wal;

/// <summary>A segment that is no longer written to: sinks' to read.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Number">Its number.</param>
/// <param name="Bytes">How much of the file counts: what lies behind was never acknowledged.</param>
public readonly record struct SealedSegment(string Path, ulong Number, long Bytes);

/// <summary>What still waits for somebody.</summary>
/// <param name="Segments">Sealed segments.</param>
/// <param name="Bytes">What they take on disk.</param>
public readonly record struct WalBacklog(int Segments, long Bytes);

/// <summary>
/// The files of a log's segments, between the one who writes them and those who read them: which are sealed, and so sinks'
/// to read; which nobody needs any more, and so to be deleted; and what they take on disk. Any thread may call it.
/// </summary>
internal sealed class SegmentFiles
{
    private readonly string _directory;
    private readonly Lock _lock = new();

    // Under the lock.
    private readonly SortedDictionary<ulong, long> _sealed;
    private TaskCompletionSource _more = NewSignal();
    private ulong _newest;
    private bool _isWriting;
    private ulong _releasedThrough;
    private long _bytes;
    private long _releasedBytes;

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

    /// <summary>Bytes that haven't been released, the segment that is being written included.</summary>
    public long HeldBytes
    {
        get
        {
            lock (_lock) return _bytes - _releasedBytes;
        }
    }

    /// <summary>Sealed segments that haven't been released.</summary>
    public WalBacklog Held
    {
        get
        {
            lock (_lock) return Behind(_releasedThrough);
        }
    }

    /// <summary>The newest segment that something durable is in; 0 for none.</summary>
    public ulong Newest
    {
        get
        {
            lock (_lock) return _newest;
        }
    }

    /// <summary>Whether there is a segment that isn't sealed yet.</summary>
    public bool IsWriting
    {
        get
        {
            lock (_lock) return _isWriting;
        }
    }

    /// <summary>Sealed segments behind a position.</summary>
    public WalBacklog Behind(ulong position)
    {
        lock (_lock)
        {
            int segments = 0;
            long bytes = 0;
            foreach ((ulong number, long size) in _sealed)
            {
                if (number <= position) continue;
                segments++;
                bytes += size;
            }

            return new WalBacklog(segments, bytes);
        }
    }

    /// <summary>The writer has created a segment's file. It isn't the newest before something in it is durable.</summary>
    public void NoteCreated()
    {
        lock (_lock) _isWriting = true;
    }

    /// <summary>The writer has appended to a segment's file, durably: that is the newest now, and tells who the log is.</summary>
    public void NoteAppended(ulong number, long bytes)
    {
        lock (_lock)
        {
            _newest = number;
            _bytes += bytes;
        }
    }

    /// <summary>The writer has given up a segment that nothing durable is in.</summary>
    public void NoteAbandoned()
    {
        lock (_lock) _isWriting = false;
    }

    /// <summary>The writer is done with a segment: sinks may read it.</summary>
    public void NoteSealed(ulong number, long bytes)
    {
        TaskCompletionSource more;
        lock (_lock)
        {
            _sealed.Add(number, bytes);
            _isWriting = false;
            (more, _more) = (_more, NewSignal());
        }

        more.SetResult();
    }

    /// <summary>The first sealed segment behind a position, if there is one.</summary>
    public SealedSegment? SealedBehind(ulong position)
    {
        lock (_lock)
        {
            foreach ((ulong number, long bytes) in _sealed)
            {
                if (number > position) return new SealedSegment(WalSegment.PathOf(_directory, number), number, bytes);
            }

            return null;
        }
    }

    /// <summary>Waits for a sealed segment behind a position and returns the first.</summary>
    public async Task<SealedSegment> NextSealedAsync(ulong position, CancellationToken cancellation)
    {
        while (true)
        {
            Task more;
            lock (_lock)
            {
                if (SealedBehind(position) is { } next) return next;
                more = _more.Task;
            }

            await more.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Nobody needs the segments up to a position any more; their files stay for now.</summary>
    public void NoteReleased(ulong position)
    {
        lock (_lock)
        {
            _releasedThrough = position;
            _releasedBytes = _sealed.TakeWhile(segment => segment.Key <= position).Sum(segment => segment.Value);
        }
    }

    /// <summary>Nobody needs the segments up to a position any more: deletes their files, all but the newest that something durable is in.</summary>
    public void ReleaseThrough(ulong position)
    {
        NoteReleased(position);
        ulong[] done;
        lock (_lock) done = [.. _sealed.Keys.TakeWhile(number => number <= position && number < _newest)];

        foreach (ulong number in done)
        {
            File.Delete(WalSegment.PathOf(_directory, number)); // one that can't be deleted stays known, and is tried again
            lock (_lock)
            {
                if (!_sealed.Remove(number, out long bytes)) continue;
                _bytes -= bytes;
                _releasedBytes -= bytes;
            }
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
