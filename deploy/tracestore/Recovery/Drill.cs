using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using TraceStore.Query.Execution;
using TraceStore.Serving;
using TraceStore.Settings;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Engine;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Recovery;

/// <summary>
/// Rehearses the recovery: a real restore into a place of its own, that answers nobody and may write nothing to the archive.
/// <list type="number">
/// <item>Read back how old the newest instant is that can be restored.</item>
/// <item>Restore everything, as <c>tracestore restore</c> does.</item>
/// <item>Find a trace in it: now it would be in service.</item>
/// <item>Hold what is there against what the TraceStore that runs has stored up to the same segment.</item>
/// <item>Clean up.</item>
/// </list>
/// </summary>
/// <param name="settings">Of the TraceStore whose archive it is.</param>
/// <param name="store">The archive's, or one that is sabotaged.</param>
/// <param name="place">Where: a folder of the drill's own, in which nothing else lies.</param>
/// <param name="logs">Tell.</param>
/// <param name="progress">Is told how far it is.</param>
internal sealed class Drill(TraceStoreSettings settings, IObjectStore store, string place, ILoggerFactory logs, Action<RestorePlan, RestoreProgress> progress)
{
    private const string Mark = "tracestore-drill";

    /// <summary>What is restored takes about as much as its objects; merges and the log on its way take more.</summary>
    private const double DiskFactor = 1.3;

    private const long DiskReserve = 1L << 30;

    private bool _isOurs;

    private string Site => Path.Combine(place, "site");

    /// <exception cref="OperationCanceledException">It was stopped: nothing is known.</exception>
    public async Task<DrillReport> RunAsync(TimeSpan deadline, CancellationToken cancellation)
    {
        var report = new DrillReport(DateTimeOffset.UtcNow, Environment.MachineName, ThisProgram.Version, null, null, null, null, 0, null, null);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(deadline);
        try
        {
            using DirectoryLock held = Prepare();
            return await RehearseAsync(report, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return report with { Failure = $"It wasn't done within {RecoveryPlan.Show(deadline)}." };
        }
        catch (Exception e) when (e is IOException or HttpRequestException or UnauthorizedAccessException or InvalidDataException or InvalidOperationException or JsonException or ClickHouseRefusedException or ClickHouseUnavailableException)
        {
            return report with { Failure = e.Message };
        }
        finally
        {
            if (!cancellation.IsCancellationRequested) CleanUp(); // who stops doesn't wait for it: the next drill does
        }
    }

    private async Task<DrillReport> RehearseAsync(DrillReport report, CancellationToken cancellation)
    {
        RecoveryFacts facts = await FactFinder.ReadBackAsync(store, new RecoveryFacts { DataDirectory = settings.DataDirectory }, cancellation).ConfigureAwait(false); // 1
        report = report with { RecoveryPointSeconds = facts.RecoveryPointAge?.TotalSeconds };

        long began = Stopwatch.GetTimestamp();
        IObjectStore listed = await ListedArchive.ReadAsync(store, cancellation).ConfigureAwait(false);
        RestorePlan plan = await RestorePlanner.PlanAsync(listed, instant: null, warning => throw new IOException(warning), cancellation).ConfigureAwait(false); // 2
        CheckDisk(plan);
        TraceStoreSettings scratch = settings.In(Site);
        var restorer = new Restorer(scratch, listed, acceptsHoles: false, logs, done => progress(plan, done));
        RestoreJournal journal = await restorer.RunAsync(plan, isCopy: true, cancellation).ConfigureAwait(false);
        report = report with { Snapshot = plan.Snapshot?.Id.ToString(), Spans = journal.Spans };

        EngineSupervisor engine = await EngineSupervisor.StartAsync(scratch.Engine!, logs.CreateLogger<EngineSupervisor>(), cancellation).ConfigureAwait(false);
        await using (engine.ConfigureAwait(false))
        {
            using var database = new ClickHouseDatabase(scratch.ClickHouse, engine.Handler);
            await FindATraceAsync(database, journal.Spans, cancellation).ConfigureAwait(false); // 3
            TimeSpan took = Stopwatch.GetElapsedTime(began);
            report = report with { RecoverySeconds = took.TotalSeconds, Times = restorer.TimesOf(took) };
            return await CompareAsync(report, journal, database, cancellation).ConfigureAwait(false); // 4
        }
    }

    private async Task FindATraceAsync(ClickHouseDatabase database, long spans, CancellationToken cancellation)
    {
        if (spans == 0) return;
        string id = (await database.ReadLinesAsync(new SqlQuery("SELECT lower(hex(trace_id)) FROM spans ORDER BY received_day DESC, seg DESC LIMIT 1"), cancellation).ConfigureAwait(false))[0];
        using var gate = new QueryGate(settings.Query);
        using var reader = new TraceReader(database, new RecentSpans(), gate);
        if (!TraceId.TryParse(id, out TraceId trace)) throw new InvalidDataException($"BUG: {id} is no trace ID.");
        using SpanRows found = await reader.ReadAsync([trace], cancellation).ConfigureAwait(false);
        if (found.Spans.Count == 0) throw new IOException($"Trace {id} is restored, and isn't found.");
    }

    private async Task<DrillReport> CompareAsync(DrillReport report, RestoreJournal journal, ClickHouseDatabase database, CancellationToken cancellation)
    {
        ulong log = journal.Plan.Stretches[^1].Epoch.Log, through = journal.Fetched.Next - 1;
        LiveContent? live = await ControlSocket.AskForContentAsync(settings.DataDirectory, log, through, cancellation).ConfigureAwait(false);
        if (live is null) return report with { Compared = "what the archive says: no TraceStore runs here to compare with" };

        IReadOnlyList<DayContent> restored = await StoredContent.ReadAsync(database, log, through, cancellation).ConfigureAwait(false);
        Dictionary<string, DayContent> byDay = restored.ToDictionary(day => day.Day);
        foreach (DayContent day in live.Days)
        {
            DayContent? back = byDay.GetValueOrDefault(day.Day);
            if (back != day) return report with { Failure = $"Of {day.Day}, {day.Spans} spans are stored up to segment {through} (hash {day.Hash}, of samples {day.SampleHash}), and {(back is null ? "none" : $"{back.Spans} (hash {back.Hash}, of samples {back.SampleHash})")} were restored." };
            byDay.Remove(day.Day);
        }

        string? lost = byDay.Keys.FirstOrDefault(day => !live.Dropped.Contains(day.Replace("-", "", StringComparison.Ordinal)));
        if (lost is not null) return report with { Failure = $"Of {lost}, {byDay[lost].Spans} spans were restored, and the TraceStore that runs has none, though nobody dropped the day: they are lost there." };
        string dropped = byDay.Count > 0 ? $"; {string.Join(", ", byDay.Keys)}: dropped there since" : "";
        return report with { Compared = $"the TraceStore that runs: {live.Days.Count} days, {live.Days.Sum(day => day.Spans)} spans up to segment {through}, counts and hashes equal{dropped}" };
    }

    private void CheckDisk(RestorePlan plan)
    {
        long free = new DriveInfo(place).AvailableFreeSpace, needed = (long)(plan.Size.Bytes * DiskFactor) + DiskReserve;
        if (free < needed) throw new IOException($"A drill needs about {needed >> 20} MiB of free disk in {place}, where {free >> 20} MiB are free. Choose another place with --scratch.");
    }

    /// <summary>What a killed drill left is deleted; anything else isn't touched.</summary>
    /// <exception cref="IOException">Another drill goes on there, or it is somebody else's.</exception>
    private DirectoryLock Prepare()
    {
        Directory.CreateDirectory(place);
        string mark = Path.Combine(place, Mark);
        if (!File.Exists(mark) && Directory.EnumerateFileSystemEntries(place).Any()) throw new IOException($"{place} holds something else than a drill's. Choose another place with --scratch.");
        DirectoryLock held = DirectoryLock.Acquire(place);
        File.WriteAllText(mark, "A rehearsed restore. Deleted when it is over, or by the next one.\n");
        if (Directory.Exists(Site)) Directory.Delete(Site, recursive: true);
        _isOurs = true;
        return held;
    }

    private void CleanUp()
    {
        try
        {
            if (_isOurs) Directory.Delete(place, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            logs.CreateLogger<Drill>().LogWarning("{Place} can't be deleted, and is by the next drill. {Cause}", place, e.Message);
        }
    }
}
