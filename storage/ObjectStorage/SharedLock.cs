using System.Diagnostics;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>A lock that all processes share which have a directory: a file that one at a time holds open (flock). For moments.</summary>
internal sealed class SharedLock(string path) : IDisposable
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Waits for its turn among this process's callers, and then among processes; disposing lets the next have it.</summary>
    /// <exception cref="IOException">Another process has held it for half a minute.</exception>
    public async Task<IDisposable> TakeAsync(CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            for (long started = Stopwatch.GetTimestamp(); ;)
            {
                try
                {
                    return new HeldFile(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None), _turn);
                }
                catch (IOException) when (File.Exists(path) && Stopwatch.GetElapsedTime(started) < s_patience)
                {
                    await Task.Delay(s_poll, cancellation).ConfigureAwait(false);
                }
            }
        }
        catch
        {
            _turn.Release();
            throw;
        }
    }

    public void Dispose() => _turn.Dispose();

    private sealed class HeldFile(FileStream file, SemaphoreSlim turn) : IDisposable
    {
        public void Dispose()
        {
            file.Dispose();
            turn.Release();
        }
    }
}
