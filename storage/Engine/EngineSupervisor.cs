using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace TraceStore.Storage.Engine;

/// <summary>
/// Keeps the embedded engine running: starts it, starts it again with growing delays when it dies, stops it cleanly.
/// Requests reach whichever process runs now through <see cref="Handler"/>.
/// </summary>
public sealed class EngineSupervisor : IAsyncDisposable
{
    /// <summary>An engine that ran this long was healthy; its end doesn't count as a failure in a row.</summary>
    private static readonly TimeSpan s_healthyAfter = TimeSpan.FromMinutes(1);

    /// <summary>ClickHouse's words when another process holds the tables' directory (error 76, CANNOT_OPEN_FILE).</summary>
    private const string DirectoryHeld = "Cannot lock file";

    /// <summary>ClickHouse's words when it has more damaged parts than it removes by itself (TOO_MANY_UNEXPECTED_DATA_PARTS).</summary>
    private const string TooManyBrokenParts = "Code: 231";

    private readonly EngineOptions _options;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private EngineProcess _engine;
    private Task _supervision = Task.CompletedTask;

    private EngineSupervisor(EngineOptions options, ILogger log, EngineProcess engine)
    {
        (_options, _log, _engine) = (options, log, engine);
        Handler = new EngineHttpHandler(() => Volatile.Read(ref _engine));
    }

    /// <summary>Sends requests to the engine that runs now, with its key.</summary>
    public DelegatingHandler Handler { get; }

    /// <summary>The engine's process, which changes when it is restarted.</summary>
    public int ProcessId => Volatile.Read(ref _engine).Id;

    /// <summary>Starts the engine and waits until it answers.</summary>
    /// <exception cref="InvalidOperationException">It didn't start; the message holds its last words.</exception>
    public static async Task<EngineSupervisor> StartAsync(EngineOptions options, ILogger log, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.StartTimeout);
        for (int attempt = 1; ; attempt++)
        {
            EngineProcess engine = EngineProcess.Start(options);
            string? failure = await FailureToStartAsync(engine, limit.Token).ConfigureAwait(false);
            if (failure is null)
            {
                var supervisor = new EngineSupervisor(options, log, engine);
                supervisor._supervision = Task.Run(supervisor.SuperviseAsync, CancellationToken.None);
                return supervisor;
            }

            engine.Dispose();
            bool mayPass = failure.Contains(DirectoryHeld, StringComparison.Ordinal) || failure.Contains(EngineProcess.PortTaken, StringComparison.Ordinal);
            if (!mayPass || limit.IsCancellationRequested)
            {
                cancellation.ThrowIfCancellationRequested();
                throw new InvalidOperationException($"The embedded ClickHouse didn't start in {options.Directory}: {failure}{WhatToDo(failure, options)}");
            }

            // An engine whose parent was killed a moment ago is still shutting down: wait for it to let go.
            await Task.Delay(RestartDelay.After(attempt), CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Watches the engine over an insert. Call this before it and <see cref="EngineWatch.ConfirmAsync"/> after it.
    /// </summary>
    public EngineWatch Watch() => new(Volatile.Read(ref _engine), () => Volatile.Read(ref _engine), Handler, _options, _log);

    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested) return;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _supervision.ConfigureAwait(false);
        Handler.Dispose(); // closes the connections, for which the engine would wait
        bool clean = await _engine.StopAsync(_options.StopTimeout).ConfigureAwait(false);
        if (!clean) _log.LogWarning("ClickHouse didn't stop within {Timeout} and was killed; it recovers at the next start.", _options.StopTimeout);
        _engine.Dispose();
        _stopping.Dispose();
    }

    /// <summary>Help with what ClickHouse refuses to start on, by the number of its error.</summary>
    private static string WhatToDo(string failure, EngineOptions options) => failure switch
    {
        _ when failure.Contains(TooManyBrokenParts, StringComparison.Ordinal) =>
            $"{Environment.NewLine}  Many parts of a table are damaged. Check the disk first. To go on without them, create the file "
            + $"{Path.Combine(options.TablesDirectory, "flags", "force_restore_data")} and start again: ClickHouse moves them into the tables' detached folders, and deletes nothing.",
        _ => "",
    };

    private static async Task<string?> FailureToStartAsync(EngineProcess engine, CancellationToken cancellation)
    {
        try
        {
            if (await engine.WaitUntilReadyAsync(cancellation).ConfigureAwait(false)) return null;
            await engine.WaitForExitAsync(cancellation).ConfigureAwait(false); // its output is complete then
            return engine.LastWords;
        }
        catch (OperationCanceledException)
        {
            await engine.StopAsync(TimeSpan.FromSeconds(1)).ConfigureAwait(false);
            return $"it didn't answer in time. {engine.LastWords}";
        }
    }

    private async Task SuperviseAsync()
    {
        int failures = 0;
        long started = Stopwatch.GetTimestamp();
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _engine.WaitForExitAsync(_stopping.Token).ConfigureAwait(false);
                failures = Stopwatch.GetElapsedTime(started) > s_healthyAfter ? 1 : failures + 1;
                TimeSpan delay = RestartDelay.After(failures);
                _log.LogWarning(
                    "ClickHouse ended unexpectedly and is started again in {Delay} ms; ingest goes on meanwhile. Its log is in {Directory}/logs. {LastWords}",
                    (long)delay.TotalMilliseconds, _options.Directory, _engine.LastWords);
                await Task.Delay(delay, _stopping.Token).ConfigureAwait(false);

                started = Stopwatch.GetTimestamp();
                if (TryStartNext() is not { } next) continue;
                if (await IsReadyInTimeAsync(next).ConfigureAwait(false)) _log.LogInformation("ClickHouse is back.");
                else next.Kill(); // if it hasn't ended by itself
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                _log.LogError(e, "ClickHouse can't be watched over; TraceStore goes on trying.");
                await Task.Delay(RestartDelay.After(++failures), CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private async Task<bool> IsReadyInTimeAsync(EngineProcess engine)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        limit.CancelAfter(_options.StartTimeout);
        try
        {
            return await engine.WaitUntilReadyAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_stopping.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Null when no process could be started; the old one, which has ended, stays and is found ended again.</summary>
    private EngineProcess? TryStartNext()
    {
        try
        {
            EngineProcess next = EngineProcess.Start(_options);
            Interlocked.Exchange(ref _engine, next).Dispose();
            return next;
        }
        catch (Exception e) // whatever it is: without an engine nothing is stored
        {
            _log.LogError(e, "ClickHouse can't be started; TraceStore goes on trying. Check the disk of {Directory}.", _options.Directory);
            return null;
        }
    }
}
