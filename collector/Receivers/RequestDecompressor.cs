namespace TraceStore.Collector.Receivers;

/// <summary>
/// Decompresses requests, on threads of its own: what a few bytes blow up to can take long, and others' requests must be
/// received meanwhile. Small ones go first; of the large ones, which show only while they grow, each thread has one in hand.
/// </summary>
internal sealed class RequestDecompressor : IDisposable
{
    /// <summary>What has brought more to light is large.</summary>
    private const int SmallBytes = 1 << 20;

    private readonly object _lock = new();
    private readonly Queue<Job> _small = [];
    private readonly Queue<Job> _large = [];
    private readonly Thread[] _threads;
    private bool _isStopping;

    public RequestDecompressor()
    {
        _threads = [.. Enumerable.Range(0, Math.Max(1, Environment.ProcessorCount / 2)).Select(_ => new Thread(Run) { Name = "decompressor", IsBackground = true })];
        foreach (Thread thread in _threads) thread.Start();
    }

    /// <summary>Decompresses a request, taking memory from its lease as bytes come to light.</summary>
    /// <exception cref="DecompressionException">It isn't what it says it is, or is too large.</exception>
    /// <exception cref="NoRoomException">There is no memory for what comes out.</exception>
    public async Task<ReceiveBuffer> RunAsync(ReceiveBuffer compressed, ContentCompression compression, int maxBytes, BytesInFlight.RequestLease lease)
    {
        var output = new ReceiveBuffer(lease);
        try
        {
            using var decompression = new Decompression(compressed, compression, maxBytes, output);
            var job = new Job(decompression, output);
            Enqueue(_small, job);
            await job.Done.Task.ConfigureAwait(false);
            return output;
        }
        catch
        {
            output.Dispose();
            throw;
        }
    }

    /// <summary>Ends when what is in hand is done.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isStopping = true;
            Monitor.PulseAll(_lock);
        }

        foreach (Thread thread in _threads) thread.Join();
        foreach (Job job in (IEnumerable<Job>)[.. _small, .. _large]) job.Done.SetCanceled();
    }

    private void Enqueue(Queue<Job> queue, Job job)
    {
        lock (_lock)
        {
            queue.Enqueue(job);
            Monitor.Pulse(_lock);
        }
    }

    private void Run()
    {
        Job? large = null;
        while (Next(ref large) is { } job)
        {
            bool isDone = IsDone(job);
            if (job == large) large = isDone ? null : large;
            else if (!isDone) Enqueue(_large, job);
        }
    }

    /// <summary>A small job before a large one, and the one in hand before another; null when it is time to end.</summary>
    private Job? Next(ref Job? large)
    {
        lock (_lock)
        {
            while (!_isStopping)
            {
                if (_small.TryDequeue(out Job? small)) return small;
                if (large is not null || _large.TryDequeue(out large)) return large;
                Monitor.Wait(_lock);
            }

            large?.Done.SetCanceled();
            return null;
        }
    }

    /// <summary>Works on a job: on a small one until it is done or large, on a large one for a step.</summary>
    private static bool IsDone(Job job)
    {
        try
        {
            while (job.Decompression.Step())
            {
                if (job.Output.Length > SmallBytes) return false;
            }

            job.Done.SetResult();
        }
        catch (Exception e)
        {
            job.Done.SetException(e);
        }

        return true;
    }

    private sealed record Job(Decompression Decompression, ReceiveBuffer Output)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
