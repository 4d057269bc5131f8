using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace TraceStore.Storage.Wal;

/// <summary>
/// The source of truth: an append that completed survives a crash or power cut at any later moment. Many callers append,
/// one thread writes. It
/// <list type="number">
/// <item>takes the records that wait, as far as the segment has room,</item>
/// <item>writes them in one go,</item>
/// <item>syncs once for all of them,</item>
/// <item>completes the appends,</item>
/// <item>and seals the segment when the seal policy says so, from when on sinks may read it.</item>
/// </list>
/// </summary>
public sealed class WriteAheadLog : IAsyncDisposable
{
    /// <summary>One write covers at most this much, so that the first record of a burst isn't held up by the last.</summary>
    private const long MaxWriteBytes = 16L << 20;

    // Set at open.
    private readonly WalOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly DirectoryLock _lock;
    private readonly Thread _writer;
    private readonly ITimer _sealTimer;

    // From appenders to the writer.
    private readonly ReceiveGate _receiving = new();
    private readonly CodecChoice _codec;
    private readonly ResendWindow _resends;
    private readonly Channel<PendingAppend> _queue = Channel.CreateUnbounded<PendingAppend>(new UnboundedChannelOptions { SingleReader = true });
    private long _pendingBytes;
    private long _newestReceivedTicks;

    // The writer's own.
    private ActiveSegment? _active;
    private ulong _nextSequence;
    private ulong _nextSegment;

    // Between the writer and the sinks.
    private readonly SegmentFiles _files;
    private readonly ResendJournal _journal;
    private readonly CursorClaims _claims;

    // For all.
    private readonly AppendBounds _bounds;
    private volatile string? _failure;
    private long _failedAt;

    private WriteAheadLog(WalOptions options, TimeProvider time, ILogger log, DirectoryLock directoryLock, bool wasOpenedBefore)
    {
        (_options, _time, _log, _lock) = (options, time, log, directoryLock);
        WalRecovery recovered = WalRecovery.Run(options.Directory, time, log);
        (Identity, _nextSegment, _nextSequence) = (recovered.Identity, recovered.NextSegment, recovered.NextSequence);
        (NewestAtOpen, NewestTimeAtOpen) = (recovered.NextSegment - 1, recovered.NewestTime);
        IsNew = !wasOpenedBefore && recovered.NewestTime is null;
        _files = new SegmentFiles(options.Directory, recovered.Segments);
        _journal = new ResendJournal(options.Directory, Identity, time, log);
        _journal.Adopt(NewestAtOpen, recovered.Unjournaled);
        _claims = new CursorClaims(_files, _journal, options, log);
        _bounds = new AppendBounds(_files, options, time);
        _resends = new ResendWindow(time);
        _codec = new CodecChoice(time);
        foreach (TakenRequest request in recovered.Taken) _resends.FindOrStart(request.Hash, () => Task.CompletedTask);
        _sealTimer = time.CreateTimer(_ => _queue.Writer.TryWrite(PendingAppend.SealTick), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _writer = new Thread(WriteLoop) { Name = "wal-writer", IsBackground = true };
        _writer.Start();
    }

    /// <summary>The log's identity: random, kept for as long as the log is.</summary>
    public ulong Identity { get; }

    /// <summary>Whether nobody has opened a log in this folder before.</summary>
    public bool IsNew { get; }

    /// <summary>The newest segment that an earlier process left; whether it was stored, only the sinks can tell.</summary>
    public ulong NewestAtOpen { get; }

    /// <summary>When the newest segment that an earlier process left was created; null where there was none.</summary>
    public DateTimeOffset? NewestTimeAtOpen { get; }

    /// <summary>No record was received later than this, by a clock that may have been set back since.</summary>
    public DateTimeOffset NewestReceived => new(Math.Max(Interlocked.Read(ref _newestReceivedTicks), NewestTimeAtOpen?.UtcTicks ?? 0), TimeSpan.Zero);

    /// <summary>Bytes of the segments on disk.</summary>
    public long Bytes => _files.Bytes;

    /// <summary>Why the log takes nothing just now; null when it does.</summary>
    public string? Ailment => (_time.GetElapsedTime(Interlocked.Read(ref _failedAt)) < AppendBounds.RetryWhenFull ? _failure : null) ?? _bounds.WhyRefused(requestBytes: 0, pendingBytes: 0)?.Message;

    /// <summary>Sealed segments that the log may not let go of yet.</summary>
    public WalBacklog Waiting => _files.Held;

    /// <summary>Opens the log in its folder, creating it if need be. What an earlier process left counts as sealed.</summary>
    /// <exception cref="IOException">The folder is locked by another process or can't be written.</exception>
    /// <exception cref="InvalidDataException">A file in it is no segment that this version reads.</exception>
    public static WriteAheadLog Open(WalOptions options, TimeProvider time, ILogger log)
    {
        bool wasOpenedBefore = DirectoryLock.Exists(options.Directory);
        DirectoryLock directoryLock = DirectoryLock.Acquire(options.Directory);
        try
        {
            return new WriteAheadLog(options, time, log, directoryLock, wasOpenedBefore);
        }
        catch
        {
            directoryLock.Dispose();
            throw;
        }
    }

    /// <summary>Completes when the request is durable. An equal one within ten minutes is not appended again.</summary>
    /// <param name="request">An ExportTraceServiceRequest in protobuf encoding that the scanner passed.</param>
    /// <param name="spanCount">Spans in it.</param>
    /// <param name="tenant">Whose it is.</param>
    /// <exception cref="WalRefusedException">Nothing was appended: the log is full, behind, closed, or the disk failed.</exception>
    public Task AppendAsync(ReadOnlySpan<byte> request, int spanCount, ReadOnlySpan<byte> tenant)
    {
        UInt128 hash = WalRecord.HashOf(request, tenant);
        if (_resends.Find(hash) is { } earlier) return earlier;

        if (_bounds.WhyRefused(request.Length, Interlocked.Read(ref _pendingBytes)) is { } refusal) throw refusal;
        int phase = _receiving.Enter();
        try
        {
            var taken = new TakenRequest(hash, NowUnixNano());
            EncodedRecord record = WalRecord.Encode(request, hash, spanCount, tenant, taken.ReceiveTimeUnixNano, _codec.Next(request.Length));
            var pending = new PendingAppend(record, new SegmentFill(request.Length, spanCount), taken);
            Task durable = _resends.FindOrStart(hash, () => Enqueue(pending));
            if (durable != pending.Durable.Task) record.Dispose(); // an equal one has come meanwhile
            return durable;
        }
        finally
        {
            _receiving.Leave(phase);
        }
    }

    /// <summary>
    /// A moment, and a segment: what was received up to the moment is in segments up to this one, which may not be sealed yet. One caller
    /// at a time. (A clock that is set back may give later requests earlier times.)
    /// </summary>
    public async Task<ReceivedThrough> MarkReceivedAsync(CancellationToken cancellation)
    {
        DateTimeOffset now = _time.GetUtcNow();
        await _receiving.PassAsync(cancellation).ConfigureAwait(false);
        var mark = PendingAppend.NewMark();
        if (_queue.Writer.TryWrite(mark)) return new ReceivedThrough(now, await mark.Reached!.Task.WaitAsync(cancellation).ConfigureAwait(false));
        await Task.Run(_writer.Join, cancellation).ConfigureAwait(false); // completed: all is sealed
        return new ReceivedThrough(now, _files.Newest);
    }

    /// <summary>Whether a segment is being written that will be sealed soon.</summary>
    public bool IsWriting => _files.IsWriting;

    /// <summary>
    /// Opens a sink's cursor. From now on the log keeps what this sink hasn't got, as its claim says; so all sinks' cursors
    /// are opened before any advances.
    /// </summary>
    public WalCursor OpenCursor(string sink, CursorClaim claim) => _claims.Open(sink, Identity, NewestAtOpen, claim);

    /// <summary>Refuses further appends, makes durable what waits, and seals: what comes then is the sinks' last.</summary>
    public Task CompleteAsync()
    {
        _queue.Writer.TryComplete();
        return Task.Run(_writer.Join);
    }

    /// <summary>Completes, and lets another process have the log.</summary>
    public async ValueTask DisposeAsync()
    {
        await CompleteAsync().ConfigureAwait(false);
        await _sealTimer.DisposeAsync().ConfigureAwait(false);
        _journal.Dispose();
        _lock.Dispose();
    }

    private Task Enqueue(PendingAppend pending)
    {
        Interlocked.Add(ref _pendingBytes, pending.Record.Length);
        if (!_queue.Writer.TryWrite(pending)) throw new WalRefusedException(WalRefusal.Stopping, "TraceStore is shutting down.", AppendBounds.RetryWhenBusy);
        return pending.Durable.Task;
    }

    private void WriteLoop()
    {
        var batch = new List<PendingAppend>();
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            Take(batch); // 1
            try
            {
                if (batch.Count > 0) Write(batch); // 2, 3
                foreach (PendingAppend pending in batch) pending.Durable.SetResult(); // 4
                if (batch.Count > 0) _failure = null;
                SealWhenDue(); // 5
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Fail(batch, e);
            }

            foreach (PendingAppend pending in batch)
            {
                Interlocked.Add(ref _pendingBytes, -pending.Record.Length);
                pending.Record.Dispose();
            }
        }

        if (_active is not null) Seal();
    }

    private void Take(List<PendingAppend> batch)
    {
        batch.Clear();
        SegmentFill fill = _active?.Fill ?? default;
        for (long bytes = 0; bytes < MaxWriteBytes && _queue.Reader.TryPeek(out PendingAppend? next);)
        {
            bool isMark = next.Reached is not null;
            if (isMark && batch.Count > 0) return; // what came before it is written first
            bool isRecord = !isMark && !ReferenceEquals(next, PendingAppend.SealTick);
            if (isRecord && !SealPolicy.Fits(fill, next.Fill, _options))
            {
                if (batch.Count > 0) return; // they are written first, and the next round seals
                Seal();
                fill = default;
            }

            _queue.Reader.TryRead(out _);
            next.Reached?.SetResult(_files.Newest);
            if (!isRecord) continue;
            batch.Add(next);
            bytes += next.Record.Length;
            fill += next.Fill;
        }
    }

    private void Write(List<PendingAppend> batch)
    {
        _active ??= OpenSegment();
        long bytes = _active.Append(batch, _nextSequence);
        _nextSequence += (ulong)batch.Count;
        _files.NoteAppended(_active.Number, bytes);
    }

    private ActiveSegment OpenSegment()
    {
        ulong number = _nextSegment++; // used up even if the file can't be created: a number is never used twice
        var segment = new WalSegment(WalSegment.PathOf(_options.Directory, number), Identity, number, _nextSequence, NowUnixNano());
        var active = new ActiveSegment(segment, _options, _time);
        _files.NoteCreated();
        return active;
    }

    private void SealWhenDue()
    {
        if (_active is null) return;
        if (_active.IsDue) Seal();
        else WakeAfter(_active.DueIn); // also when the timer came a moment too early
    }

    private void WakeAfter(TimeSpan delay) =>
        _sealTimer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(delay.TotalMilliseconds)), Timeout.InfiniteTimeSpan);

    private void Seal()
    {
        Debug.Assert(_active is not null, "BUG: sealing without an active segment");
        _active.Dispose();
        if (_active.Bytes > 0)
        {
            _journal.Note(_active.Number, _active.Requests);
            _files.NoteSealed(_active.Number, _active.Bytes);
        }
        else
        {
            _files.NoteAbandoned(); // its first write failed
        }

        _active = null;
        try
        {
            _claims.Settle();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.LogWarning(e, "The write-ahead log can't delete what is stored; it tries again. Check the disk of {Directory}.", _options.Directory);
        }
    }

    /// <summary>Refuses the batch, and gives up the segment: after a failed sync nobody knows what the disk holds.</summary>
    private void Fail(List<PendingAppend> batch, Exception cause)
    {
        if (_failure is null) _log.LogError(cause, "The write-ahead log can't be written; clients are told to retry. Check the disk of {Directory}.", _options.Directory);
        var refusal = new WalRefusedException(WalRefusal.DiskFailed, $"The write-ahead log can't be written: {cause.Message}", AppendBounds.RetryWhenFull, cause);
        _failure = refusal.Message;
        Interlocked.Exchange(ref _failedAt, _time.GetTimestamp());
        foreach (PendingAppend pending in batch) pending.Durable.TrySetException(refusal);
        if (_active is not null) Seal();
    }

    private ulong NowUnixNano()
    {
        long ticks = _time.GetUtcNow().UtcTicks;
        for (long newest = Interlocked.Read(ref _newestReceivedTicks); ticks > newest;)
        {
            long found = Interlocked.CompareExchange(ref _newestReceivedTicks, ticks, newest);
            if (found == newest) break;
            newest = found;
        }

        return (ulong)(ticks - DateTimeOffset.UnixEpoch.UtcTicks) * TimeSpan.NanosecondsPerTick;
    }
}

/// <summary>What was received up to a moment is in the segments up to one.</summary>
/// <param name="Time">The moment.</param>
/// <param name="Segment">The last of these segments.</param>
public readonly record struct ReceivedThrough(DateTimeOffset Time, ulong Segment);
