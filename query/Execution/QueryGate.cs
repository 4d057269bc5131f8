using TraceStore.Storage.Spans;

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

    /// <summary>Each holds a small answer's memory while it waits.</summary>
    private const int MaxLargeWaiting = 8;

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

    /// <summary>A query's turn, until its answer is out.</summary>
    public sealed class Turn : IDisposable
    {
        private readonly QueryGate _gate;
        private SemaphoreSlim? _slot;
        private long _bytes;

        internal Turn(QueryGate gate, SemaphoreSlim slot) => (_gate, _slot) = (gate, slot);

        /// <summary>The query has read so many bytes more. It may have to wait until other large ones are out.</summary>
        /// <exception cref="AnswerTooLargeException">It has read more than an answer may have.</exception>
        /// <exception cref="QueriesOverloadedException">Too many large ones wait.</exception>
        public ValueTask NoteReadAsync(int bytes, CancellationToken cancellation)
        {
            bool wasSmall = _bytes <= SmallAnswerBytes;
            _bytes += bytes;
            if (_bytes <= SmallAnswerBytes) return default;
            if (_bytes > _gate.MaxAnswerBytes) throw new AnswerTooLargeException($"The answer would have more than {_gate.MaxAnswerBytes >> 20} MiB (Query:MaxAnswerBytes).");
            return wasSmall ? new ValueTask(_gate.WaitForLargeAsync(this, cancellation)) : default;
        }

        public void Dispose()
        {
            if (_bytes > SmallAnswerBytes) ByteBuffers.NoteLetGo(_bytes);
            Interlocked.Exchange(ref _slot, null)?.Release();
        }

        internal void Exchange(SemaphoreSlim? slot) => Interlocked.Exchange(ref _slot, slot)?.Release();
    }

    private long MaxAnswerBytes => options.MaxAnswerBytes;

    private async Task WaitForLargeAsync(Turn turn, CancellationToken cancellation)
    {
        turn.Exchange(null);
        try
        {
            if (Interlocked.Increment(ref _largeWaiting) > MaxLargeWaiting) throw new QueriesOverloadedException("Too many large traces are asked for at once. Try again in a moment.");
            await _large.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _largeWaiting);
        }

        turn.Exchange(_large);
    }
}
