namespace TraceStore.Query.Execution;

/// <summary>Too much is asked at once: the same query may be answered in a moment.</summary>
public sealed class QueriesOverloadedException(string message) : Exception(message)
{
    public TimeSpan RetryAfter { get; } = TimeSpan.FromSeconds(1);
}

/// <summary>An answer is larger than an answer may be.</summary>
public sealed class AnswerTooLargeException(string message) : Exception(message);

/// <summary>
/// Lets so many queries run at once, searches and look-ups each by themselves, so that who looks for one trace doesn't wait
/// behind searches. Those that turn out large run one after the other, and keep nobody else from running. Any thread may
/// call it.
/// </summary>
public sealed class QueryGate(QueryServiceOptions options) : IDisposable
{
    /// <summary>What any answer may read; whatever reads more is large.</summary>
    private const long SmallAnswerBytes = 16 << 20;

    private const int MaxLargeWaiting = 8;

    public QueryServiceOptions Options => options;

    private readonly SemaphoreSlim _searches = new(options.MaxSearches);
    private readonly SemaphoreSlim _lookUps = new(options.MaxLookUps);
    private readonly SemaphoreSlim _large = new(1);
    private int _largeWaiting;

    /// <exception cref="QueriesOverloadedException">There was no turn within <see cref="QueryServiceOptions.MaxWait"/>.</exception>
    public Task<Turn> SearchAsync(CancellationToken cancellation) => EnterAsync(_searches, cancellation);

    /// <exception cref="QueriesOverloadedException">There was no turn within <see cref="QueryServiceOptions.MaxWait"/>.</exception>
    public Task<Turn> LookUpAsync(CancellationToken cancellation) => EnterAsync(_lookUps, cancellation);

    public void Dispose()
    {
        _searches.Dispose();
        _lookUps.Dispose();
        _large.Dispose();
    }

    private async Task<Turn> EnterAsync(SemaphoreSlim slots, CancellationToken cancellation) =>
        await slots.WaitAsync(options.MaxWait, cancellation).ConfigureAwait(false)
            ? new Turn(this, slots)
            : throw new QueriesOverloadedException($"More is asked than can be answered at once, and none of it ended within {options.MaxWait.TotalSeconds:0} s. Try again in a moment.");

    /// <summary>A query's turn, until its answer is out. Used by one query at a time.</summary>
    public sealed class Turn : IDisposable
    {
        private readonly QueryGate _gate;
        private SemaphoreSlim? _slot;
        private long _bytes;

        internal Turn(QueryGate gate, SemaphoreSlim slot) => (_gate, _slot) = (gate, slot);

        private bool IsLarge => _slot == _gate._large;

        /// <summary>
        /// Reads some of the answer. Where it turns out large and another large one is on its way, it waits, and then reads
        /// anew: so it holds nothing while it waits, and ClickHouse neither.
        /// </summary>
        /// <param name="read">Reads, and tells of all bytes as they come, which may throw.</param>
        /// <param name="cancellation">Gives up.</param>
        /// <exception cref="AnswerTooLargeException">It has read more than an answer may have.</exception>
        /// <exception cref="QueriesOverloadedException">Too many large ones wait.</exception>
        public async Task<T> ReadAsync<T>(Func<Action<int>, Task<T>> read, CancellationToken cancellation)
        {
            long before = _bytes;
            try
            {
                return await read(NoteRead).ConfigureAwait(false);
            }
            catch (TurnsOutLargeException)
            {
                Interlocked.Exchange(ref _slot, null)?.Release();
            }

            _bytes = before;
            await _gate.WaitForLargeAsync(cancellation).ConfigureAwait(false);
            _slot = _gate._large;
            return await read(NoteRead).ConfigureAwait(false);
        }

        public void Dispose() => Interlocked.Exchange(ref _slot, null)?.Release();

        private void NoteRead(int bytes)
        {
            _bytes += bytes;
            if (_bytes <= SmallAnswerBytes) return;
            if (_bytes > _gate.MaxAnswerBytes) throw new AnswerTooLargeException($"The answer would have more than {_gate.MaxAnswerBytes >> 20} MiB (Query:MaxAnswerBytes).");
            if (IsLarge) return;
            if (!_gate._large.Wait(0)) throw new TurnsOutLargeException();
            Interlocked.Exchange(ref _slot, _gate._large)?.Release();
        }

        private sealed class TurnsOutLargeException : Exception;
    }

    private long MaxAnswerBytes => options.MaxAnswerBytes;

    private async Task WaitForLargeAsync(CancellationToken cancellation)
    {
        try
        {
            if (Interlocked.Increment(ref _largeWaiting) > MaxLargeWaiting) throw new QueriesOverloadedException("Too many large traces are asked for at once. Try again in a moment.");
            await _large.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _largeWaiting);
        }
    }
}
