namespace TraceStore.Storage.Wal;

/// <summary>The segment that is being written: its file, its age, and what is in it. Used by the log's writer alone.</summary>
internal sealed class ActiveSegment : IDisposable
{
    private readonly WalSegmentWriter _file;
    private readonly WalOptions _options;
    private readonly TimeProvider _time;
    private readonly long _since;
    private readonly List<TakenRequest> _requests = [];

    /// <summary>Creates its file.</summary>
    public ActiveSegment(WalSegment segment, WalOptions options, TimeProvider time)
    {
        (_options, _time) = (options, time);
        _file = new WalSegmentWriter(segment);
        _since = time.GetTimestamp();
    }

    public ulong Number => _file.Segment.Number;

    /// <summary>Bytes that are durable; 0 when the first write failed.</summary>
    public long Bytes => _file.Bytes;

    /// <summary>What is in it.</summary>
    public SegmentFill Fill { get; private set; }

    /// <summary>The requests in it, to tell resends by.</summary>
    public IReadOnlyList<TakenRequest> Requests => _requests;

    /// <summary>Whether it is old or full.</summary>
    public bool IsDue => SealPolicy.IsDue(_time.GetElapsedTime(_since), Fill, _options);

    /// <summary>When it will be old.</summary>
    public TimeSpan DueIn => _options.MaxSegmentAge - _time.GetElapsedTime(_since);

    /// <summary>Appends records, numbered from a sequence on, and syncs them; returns the bytes that this took.</summary>
    /// <exception cref="IOException">None of them is durable.</exception>
    public long Append(List<PendingAppend> batch, ulong firstSequence)
    {
        uint key = _file.Segment.ChecksumKey;
        for (int i = 0; i < batch.Count; i++) WalRecord.Stamp(batch[i].Record.Bytes.Span, firstSequence + (ulong)i, key);
        long before = _file.Bytes;
        _file.Append(batch.ConvertAll(pending => (ReadOnlyMemory<byte>)pending.Record.Bytes));
        foreach (PendingAppend pending in batch)
        {
            Fill += pending.Fill;
            _requests.Add(pending.Taken);
        }

        return _file.Bytes - before;
    }

    public void Dispose() => _file.Dispose();
}
