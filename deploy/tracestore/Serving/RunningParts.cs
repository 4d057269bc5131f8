namespace TraceStore.Serving;

/// <summary>What runs, in the order of its start; it is stopped in reverse.</summary>
internal sealed class RunningParts : IAsyncDisposable
{
    private readonly Stack<Func<ValueTask>> _stops = new();

    /// <summary>Adds a part, which is stopped by being disposed of.</summary>
    /// <returns>The part.</returns>
    public T Add<T>(T part)
    {
        _stops.Push(part switch
        {
            IAsyncDisposable asynchronous => asynchronous.DisposeAsync,
            IDisposable disposable => () => { disposable.Dispose(); return default; },
            _ => throw new ArgumentException("BUG: a part that can't be stopped", nameof(part)),
        });
        return part;
    }

    /// <summary>Adds something to be done when the stop has come so far.</summary>
    public void OnStop(Func<ValueTask> stop) => _stops.Push(stop);

    public async ValueTask DisposeAsync()
    {
        while (_stops.TryPop(out Func<ValueTask>? stop)) await stop().ConfigureAwait(false);
    }
}
