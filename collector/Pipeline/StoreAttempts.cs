using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;
using TraceStore.Storage.ClickHouse;

namespace TraceStore.Collector.Pipeline;

/// <summary>
/// Does what has to be done with ClickHouse again and again, ever more slowly, for as long as it takes; and knows what is
/// wrong meanwhile. It says so when it begins and when it is over, not at every attempt.
/// </summary>
internal sealed class StoreAttempts
{
    private readonly ResiliencePipeline _untilPrepared;
    private readonly ResiliencePipeline _untilDone;
    private readonly IngestMetrics _metrics;
    private readonly ILogger _log;
    private volatile string? _ailment;
    private long _since;

    public StoreAttempts(IngestMetrics metrics, ILogger log)
    {
        (_metrics, _log) = (metrics, log);
        // A schema that is newer than this version stays so; with what is accepted there is no giving up.
        _untilPrepared = Retrying(failure => failure is not NewerSchemaException);
        _untilDone = Retrying(_ => true);
    }

    /// <summary>What is wrong just now; null when nothing is.</summary>
    public string? Ailment => _ailment;

    /// <summary>For how long it has been wrong; zero when nothing is.</summary>
    public TimeSpan AilingFor => _ailment is null ? TimeSpan.Zero : Stopwatch.GetElapsedTime(Interlocked.Read(ref _since));

    /// <summary>Prepares ClickHouse, whatever passing failure comes between.</summary>
    public async Task UntilPreparedAsync(Func<CancellationToken, Task> prepare, CancellationToken stopping)
    {
        await _untilPrepared.ExecuteAsync(async token => await prepare(token).ConfigureAwait(false), stopping).ConfigureAwait(false);
        NoteWell();
    }

    /// <summary>Does something with what was accepted, whatever failure comes between.</summary>
    public async Task UntilDoneAsync(Func<CancellationToken, Task> action, CancellationToken stopping) =>
        await _untilDone.ExecuteAsync(async token => await action(token).ConfigureAwait(false), stopping).ConfigureAwait(false);

    /// <summary>As the other, of what isn't asynchronous.</summary>
    public Task UntilDoneAsync(Action action, CancellationToken stopping) => UntilDoneAsync(
        _ =>
        {
            action();
            return Task.CompletedTask;
        },
        stopping);

    /// <summary>Spans were stored.</summary>
    public void NoteWell()
    {
        if (_ailment is not null) _log.LogInformation("ClickHouse takes spans again.");
        _ailment = null;
    }

    /// <summary>Something went wrong, and will be tried again.</summary>
    public void NoteIll(Exception cause)
    {
        bool isKnown = _ailment is not null;
        if (!isKnown) Interlocked.Exchange(ref _since, Stopwatch.GetTimestamp());
        _ailment = cause.Message;
        if (!isKnown) _log.LogWarning("Spans can't be stored now; they are safe in the write-ahead log, and stored when ClickHouse takes them. {Cause}", cause.Message);
    }

    /// <summary>Tries again after whatever failure may pass, but for being told to stop.</summary>
    private ResiliencePipeline Retrying(Func<Exception, bool> mayPass) => new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = attempt => new ValueTask<bool>(
                attempt.Outcome.Exception is { } failure
                && !(failure is OperationCanceledException && attempt.Context.CancellationToken.IsCancellationRequested)
                && mayPass(failure)),
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            Delay = TimeSpan.FromMilliseconds(100),
            MaxDelay = TimeSpan.FromSeconds(5),
            UseJitter = true,
            OnRetry = attempt =>
            {
                _metrics.InsertFailures.Add(1);
                NoteIll(attempt.Outcome.Exception!);
                return default;
            },
        })
        .Build();
}
