using System.Diagnostics;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>A store's clock: what its newest answer said, and the time since. Any thread may call it.</summary>
internal sealed class StoreClock
{
    private readonly Lock _lock = new();
    private DateTimeOffset _told = DateTimeOffset.UtcNow;
    private long _at = Stopwatch.GetTimestamp();

    public DateTimeOffset Now
    {
        get
        {
            lock (_lock) return _told + Stopwatch.GetElapsedTime(_at);
        }
    }

    /// <summary>The store has just said what time it is.</summary>
    public void Note(DateTimeOffset told)
    {
        lock (_lock) (_told, _at) = (told, Stopwatch.GetTimestamp());
    }
}
