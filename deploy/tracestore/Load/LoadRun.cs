using System.Diagnostics;

namespace TraceStore.Load;

/// <summary>
/// Sends made-up traces and measures how they are taken.
/// <list type="number">
/// <item>Make the requests, before the clock starts.</item>
/// <item>On each connection: wait until a request is due, freshen it, send it, and send it again until it is taken.</item>
/// </list>
/// A request that isn't taken within a minute, or some seconds after the load's time is over, is given up.
/// </summary>
internal sealed class LoadRun : IDisposable
{
    private static readonly TimeSpan s_giveUpAfter = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_graceAtEnd = TimeSpan.FromSeconds(5);

    private readonly LoadOptions _options;
    private readonly OtlpSender[] _senders;
    private readonly LoadConnection[] _connections;
    private readonly StreamWriter? _traceIds;
    private long _started;
    private long _requestsTaken;

    /// <exception cref="IOException">The file for the trace IDs can't be written.</exception>
    public LoadRun(LoadOptions options)
    {
        _options = options;
        _traceIds = options.TraceIdFile is { } file ? new StreamWriter(file) : null;
        _senders = [.. Enumerable.Range(0, options.Connections).Select(_ => OtlpSender.Connect(options.Protocol, options.Url))];
        bool isJson = options.Protocol == OtlpProtocol.HttpJson;
        _connections = [.. Enumerable.Range(0, options.Connections).Select(number => new LoadConnection(options.Shape, number, isJson))]; // 1
    }

    public LoadResult Result { get; } = new();

    /// <summary>Whether a receiver of OTLP answers there.</summary>
    public Task<SendOutcome> ProbeAsync(CancellationToken cancellation) =>
        _senders[0].SendAsync(_options.Protocol == OtlpProtocol.HttpJson ? "{}"u8.ToArray() : ReadOnlyMemory<byte>.Empty, cancellation);

    /// <summary>Runs until all is sent, the time is over or it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        TimeSpan spentBefore = Environment.CpuUsage.TotalTime;
        _started = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, _senders.Length).Select(connection => Task.Run(() => SendAsync(connection, cancellation), CancellationToken.None))).ConfigureAwait(false);
        TimeSpan left = _options is { SpansPerSecond: not null, Spans: null, Duration: { } duration } ? duration - Stopwatch.GetElapsedTime(_started) : TimeSpan.Zero;
        if (left > TimeSpan.Zero && !cancellation.IsCancellationRequested) await Task.Delay(left, CancellationToken.None).ConfigureAwait(false); // the last request's share of the time
        Result.Elapsed = Stopwatch.GetElapsedTime(_started);
        Result.ProcessorTime = Environment.CpuUsage.TotalTime - spentBefore;
    }

    public void Dispose()
    {
        foreach (OtlpSender sender in _senders) sender.Dispose();
        _traceIds?.Dispose();
    }

    // 2

    private async Task SendAsync(int connection, CancellationToken cancellation)
    {
        try
        {
            while (await IsDueAsync(cancellation).ConfigureAwait(false))
            {
                await SendUntilTakenAsync(_senders[connection], _connections[connection].NextRequest(), cancellation).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // what was in the air is neither taken nor lost
        }
    }

    /// <summary>Waits until another request is due. False when there is none.</summary>
    private async Task<bool> IsDueAsync(CancellationToken cancellation)
    {
        long spans = (Interlocked.Increment(ref _requestsTaken) - 1) * _options.Shape.SpansPerRequest;
        if (spans >= _options.Spans) return false;
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_started);
        TimeSpan due = _options.SpansPerSecond is { } rate ? TimeSpan.FromSeconds((double)spans / rate) : elapsed;
        if (due >= _options.Duration) return false;
        if (due > elapsed) await Task.Delay(due - elapsed, cancellation).ConfigureAwait(false);
        else if (_options.SpansPerSecond is not null) Result.NoteBehind(elapsed - due);
        return true;
    }

    private async Task SendUntilTakenAsync(OtlpSender sender, LoadRequest request, CancellationToken cancellation)
    {
        long first = Stopwatch.GetTimestamp();
        while (true)
        {
            SendOutcome outcome = await sender.SendAsync(request.Bytes, cancellation).ConfigureAwait(false);
            if (outcome.IsTaken)
            {
                Result.NoteTaken(request, outcome.RejectedSpans, Stopwatch.GetElapsedTime(first)); // with what it was told to wait
                if (_traceIds is not null && outcome.RejectedSpans == 0) NoteTraceIds(request);
                return;
            }

            bool isTooLate = Stopwatch.GetElapsedTime(first) > s_giveUpAfter || Stopwatch.GetElapsedTime(_started) > _options.Duration + s_graceAtEnd;
            if (outcome.RetryAfter is not { } delay || isTooLate)
            {
                Result.NoteLost(request, outcome.Failure!);
                return;
            }

            Result.NoteRetry(outcome.Failure!);
            await Task.Delay(delay, cancellation).ConfigureAwait(false);
        }
    }

    private void NoteTraceIds(LoadRequest request)
    {
        lock (_traceIds!)
        {
            foreach (string id in request.TraceIds) _traceIds.WriteLine(id);
            _traceIds.Flush();
        }
    }
}
