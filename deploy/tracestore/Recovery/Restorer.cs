using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using TraceStore.Collector.Pipeline;
using TraceStore.Serving;
using TraceStore.Settings;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Engine;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;
using TraceStore.Storage.Wal;

namespace TraceStore.Recovery;

/// <summary>What a restore has done so far.</summary>
/// <param name="Groups">Objects read.</param>
/// <param name="Bytes">Their bytes.</param>
internal readonly record struct RestoreProgress(long Groups, long Bytes);

/// <summary>
/// Restores a data directory from an archive. Each step may be done again; killed anywhere, it goes on from its journal.
/// <list type="number">
/// <item>Take an empty directory, and note what is restored: from now on nothing serves it.</item>
/// <item>Bring the snapshot's parts back, where there is one (<see cref="SnapshotParts"/>), into an engine that doesn't merge. (Not in an external ClickHouse.)</item>
/// <item>Bring some of the archived log behind it back, and let a follower store it, as it stores any log after a crash; until all is there.</item>
/// <item>Hold what is stored against what the archive said.</item>
/// <item>Say what the directory goes on from, that no day of it is to be dropped, and let it be served.</item>
/// </list>
/// </summary>
internal sealed class Restorer(TraceStoreSettings settings, IObjectStore store, bool acceptsHoles, ILoggerFactory logs, Action<RestoreProgress> progress)
{
    /// <summary>So much of the log is on disk at once.</summary>
    private const long MaxLogBytes = 256L << 20;

    private static readonly TimeSpan s_patience = TimeSpan.FromDays(365);
    private static readonly string[] s_ownNames = ["lost+found", "lock", "lock.process", RestoreJournal.FileName + ".new"];

    private readonly Lock _noting = new();
    private RestoreProgress _done;
    private TimeSpan _snapshotTime, _logTime;
    private long _snapshotBytes;

    private string LogsDirectory => Path.Combine(settings.DataDirectory, "restore");

    /// <summary>What it took so far, of a whole that took so long.</summary>
    public RestoreTimes TimesOf(TimeSpan total) =>
        new(_snapshotBytes, _snapshotTime.TotalSeconds, _done.Bytes - _snapshotBytes, _logTime.TotalSeconds, (total - _snapshotTime - _logTime).TotalSeconds);

    /// <summary>Restores; returns what was done.</summary>
    /// <param name="plan">What; of a restore that was begun, what was planned then.</param>
    /// <param name="isCopy">Whether the directory is only to be looked at, and will not go on as the archive's writer; of one that was begun, as it was said then.</param>
    /// <param name="cancellation">Stops; the next one goes on.</param>
    /// <exception cref="RestoreRefusedException">The directory isn't empty.</exception>
    /// <exception cref="IOException">The archive can't be read, or the directory can't be written; also what <see cref="ArchivedLogFiles"/> throws.</exception>
    public async Task<RestoreJournal> RunAsync(RestorePlan plan, bool isCopy, CancellationToken cancellation)
    {
        using DirectoryLock held = DirectoryLock.Acquire(settings.DataDirectory); // 1
        RestoreJournal journal = RestoreJournal.Read(settings.DataDirectory) ?? NewJournal(plan, isCopy).Save(settings.DataDirectory);
        journal.CheckInto(settings.ExternalClickHouse);
        if (!journal.HasSnapshot && journal.Plan.Snapshot is not null) journal = await BringSnapshotBackAsync(journal, cancellation).ConfigureAwait(false); // 2
        EngineSupervisor? engine = settings.Engine is null ? null : await EngineSupervisor.StartAsync(settings.Engine, logs.CreateLogger<EngineSupervisor>(), cancellation).ConfigureAwait(false);
        await using (engine)
        {
            using var database = new ClickHouseDatabase(settings.ClickHouse, engine?.Handler);
            journal = await ReplayAsync(journal, engine, database, cancellation).ConfigureAwait(false);
        }

        GoOnFrom(journal.Plan.OriginAt(journal.Fetched.Next - 1), journal); // 5
        DirectoryLock.Acquire(settings.Wal.Directory).Dispose(); // a log of its own begins here, and nobody wonders that it is new
        Finish(journal);
        return journal;
    }

    /// <summary>Begins a restore of a directory that is served from its start on: it knows at once what it goes on from.</summary>
    /// <exception cref="RestoreRefusedException">The directory isn't empty, or the snapshot is of another schema.</exception>
    public async Task BeginServedAsync(RestorePlan plan, CancellationToken cancellation)
    {
        using DirectoryLock held = DirectoryLock.Acquire(settings.DataDirectory);
        if (RestoreJournal.Read(settings.DataDirectory) is { } begun)
        {
            if (ArchiveIdentity.Find(settings.DataDirectory) is null) GoOnFrom(begun.Plan.OriginAt(0), begun); // killed between the two
            return;
        }

        if (plan.Snapshot is { } snapshot)
        {
            SnapshotManifest manifest = await new SnapshotCatalogue(store).ReadAsync(snapshot.Id, cancellation).ConfigureAwait(false);
            if (manifest.Versions.Schema != SchemaMigration.All[^1].Number) throw new RestoreRefusedException($"Snapshot {snapshot.Id} has schema {manifest.Versions.Schema}, where new spans need {SchemaMigration.All[^1].Number}: restore without --serve.");
        }

        RestoreStretch last = plan.Stretches[^1];
        ulong end = last.Known.Segment;
        if (last.IsWhole)
        {
            await foreach (LogGroup group in new LogArchiveReader(store).ReadAsync(last.Epoch.Number, end + 1, end, cancellation).ConfigureAwait(false)) end = group.Place.Last;
            plan = plan.Until(end);
        }

        RestoreJournal journal = (NewJournal(plan, isCopy: false) with { IsServed = true }).Save(settings.DataDirectory);
        GoOnFrom(plan.OriginAt(end), journal); // nothing is served before it is known whose archive it is
    }

    /// <summary>Goes on with a restore beside a TraceStore that serves the directory: parts and log at once.</summary>
    public async Task GoOnServedAsync(EngineSupervisor? engine, ClickHouseDatabase database, CancellationToken cancellation)
    {
        RestoreJournal journal = RestoreJournal.Read(settings.DataDirectory)!;
        bool isBack = journal.HasSnapshot; // then parts are merged, and can't be told from others any more
        if (!isBack) await HoldMergesAsync(true).ConfigureAwait(false);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task parts = isBack ? Task.CompletedTask : BringPartsBackAsync(journal, engine!, database, isAlone: false, either.Token);
        try
        {
            journal = await ReplayAsync(journal, engine, database, either.Token).ConfigureAwait(false); // 3, 4
        }
        catch
        {
            await either.CancelAsync().ConfigureAwait(false); // the next attempt begins when this has ended
            await parts.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        await parts.ConfigureAwait(false);
        journal = (journal with { HasSnapshot = true }).Save(settings.DataDirectory);
        await HoldMergesAsync(false).ConfigureAwait(false);
        Finish(journal);

        Task HoldMergesAsync(bool isHeld) => settings.Engine is null ? Task.CompletedTask : new TableParts(database, settings.Engine.TablesDirectory).HoldMergesAsync(isHeld, cancellation);
    }

    private async Task<RestoreJournal> ReplayAsync(RestoreJournal journal, EngineSupervisor? engine, ClickHouseDatabase database, CancellationToken cancellation)
    {
        while (journal.Stretch < journal.Plan.Stretches.Count)
        {
            long began = Stopwatch.GetTimestamp();
            if (!journal.Plan.Stretches[journal.Stretch].IsNothing) journal = await ReplayStretchAsync(journal, engine, database, cancellation).ConfigureAwait(false); // 3
            journal = Next(journal, await VerifyAsync(journal, database, cancellation).ConfigureAwait(false)); // 4
            _logTime += Stopwatch.GetElapsedTime(began);
        }

        return journal;
    }

    /// <exception cref="RestoreRefusedException">The directory isn't empty.</exception>
    private RestoreJournal NewJournal(RestorePlan plan, bool isCopy)
    {
        CheckIsEmpty();
        return RestoreJournal.Begin(store.Address, plan, isCopy, settings.ExternalClickHouse);
    }

    /// <exception cref="RestoreRefusedException">The directory isn't empty.</exception>
    public void CheckIsEmpty()
    {
        if (!Directory.Exists(settings.DataDirectory)) return;
        string[] found = [.. Directory.EnumerateFileSystemEntries(settings.DataDirectory).Select(path => Path.GetFileName(path)!).Except(s_ownNames).Order(StringComparer.Ordinal)];
        if (found.Length > 0) throw new RestoreRefusedException($"{settings.DataDirectory} isn't empty: it holds {string.Join(", ", found.Take(5))}{(found.Length > 5 ? ", …" : "")}. A restore needs a directory of its own: choose another with --data, and move it into place when it is done.");
        bool hasLog = Directory.Exists(settings.Wal.Directory) && Directory.EnumerateFiles(settings.Wal.Directory).Any(path => Path.GetExtension(path) is ".wal" or ".cursor");
        if (hasLog) throw new RestoreRefusedException($"{settings.Wal.Directory} (Wal:Directory) holds another log, which would be stored on top of what is restored. Move it away, or choose another directory.");
    }

    private async Task<RestoreJournal> BringSnapshotBackAsync(RestoreJournal journal, CancellationToken cancellation)
    {
        EngineOptions options = settings.Engine! with { IsMerging = false };
        EngineSupervisor engine = await EngineSupervisor.StartAsync(options, logs.CreateLogger<EngineSupervisor>(), cancellation).ConfigureAwait(false);
        await using (engine.ConfigureAwait(false))
        {
            using var database = new ClickHouseDatabase(settings.ClickHouse, engine.Handler);
            SnapshotManifest? manifest = await BringPartsBackAsync(journal, engine, database, isAlone: true, cancellation).ConfigureAwait(false);
            return (journal with { HasSnapshot = true, Spans = manifest!.Spans }).Save(settings.DataDirectory);
        }
    }

    /// <summary>Null where the plan has no snapshot.</summary>
    private async Task<SnapshotManifest?> BringPartsBackAsync(RestoreJournal journal, EngineSupervisor engine, ClickHouseDatabase database, bool isAlone, CancellationToken cancellation)
    {
        if (journal.Plan.Snapshot is not { } snapshot) return null;
        long began = Stopwatch.GetTimestamp();
        SnapshotManifest manifest = await new SnapshotCatalogue(store).ReadAsync(snapshot.Id, cancellation).ConfigureAwait(false);
        if (journal.Plan.Day is { } day) manifest = manifest.Of(day);
        EngineWatch watch = engine.Watch();
        var parts = new SnapshotParts(
            store, database, new TableParts(database, settings.Engine!.TablesDirectory), Path.Combine(LogsDirectory, "parts"), isAlone, logs.CreateLogger<SnapshotParts>());
        await parts.BringBackAsync(manifest, NotePart, cancellation).ConfigureAwait(false);
        await HeldQuarantine.BringBackAsync(new SnapshotCatalogue(store), manifest, settings.Wal.Directory, cancellation).ConfigureAwait(false);
        await watch.ConfirmAsync(cancellation).ConfigureAwait(false);
        _snapshotTime = Stopwatch.GetElapsedTime(began);
        return manifest;
    }

    private async Task<RestoreJournal> ReplayStretchAsync(RestoreJournal journal, EngineSupervisor? engine, ClickHouseDatabase database, CancellationToken cancellation)
    {
        RestoreStretch stretch = journal.Plan.Stretches[journal.Stretch];
        string directory = LogOf(stretch);
        var files = new ArchivedLogFiles(store, stretch, directory, acceptsHoles, logs.CreateLogger<ArchivedLogFiles>(), journal.Plan.Day);
        while (true)
        {
            // The journal names what was fetched and stored; what was fetched behind that is fetched again, and is the same.
            FetchedLog fetched = await files.FetchAsync(journal.Fetched, MaxLogBytes, Note, cancellation).ConfigureAwait(false);
            await StoreAsync(directory, engine, database, cancellation).ConfigureAwait(false);
            journal = (journal with { Fetched = fetched }).Save(settings.DataDirectory);
            if (fetched.IsEnd) return journal;
        }
    }

    private void NotePart(long bytes)
    {
        Interlocked.Add(ref _snapshotBytes, bytes);
        Note(bytes);
    }

    private void Note(long bytes)
    {
        lock (_noting)
        {
            _done = new RestoreProgress(_done.Groups + 1, _done.Bytes + bytes);
            progress(_done);
        }
    }

    private async Task StoreAsync(string directory, EngineSupervisor? engine, ClickHouseDatabase database, CancellationToken cancellation)
    {
        WalOptions options = settings.Wal with { Directory = directory, MinFreeBytes = 0 };
        DirectoryLock.Acquire(directory).Dispose(); // nobody wonders that this log is new
        WriteAheadLog wal = WriteAheadLog.Open(options, TimeProvider.System, logs.CreateLogger<WriteAheadLog>());
        await using (wal.ConfigureAwait(false))
        {
            using var telemetry = new OwnTelemetry();
            var quarantine = new Quarantine(directory);
            var follower = new SegmentFollower(
                wal, quarantine, new SchemaMigrator(database, logs.CreateLogger<SchemaMigrator>()), new SpanBlockInserter(database), engine.WatchStore, new RecentSpans(), TimeSpan.Zero,
                new IngestMetrics(telemetry.Meters, wal, quarantine), logs.CreateLogger<SegmentFollower>());
            await using (follower.ConfigureAwait(false))
            {
                await follower.SchemaReady.WaitAsync(cancellation).ConfigureAwait(false);
                WalBacklog left = await follower.DrainAsync(s_patience).WaitAsync(cancellation).ConfigureAwait(false);
                if (left.Segments > 0) throw new IOException($"{left.Segments} segments can't be stored: {follower.Ailment} Mend it, and restore again: it goes on from there.");
            }
        }
    }

    private string LogOf(RestoreStretch stretch) => Path.Combine(LogsDirectory, stretch.Epoch.Number.ToString(CultureInfo.InvariantCulture));

    /// <summary>As many spans are stored of a log as were brought back of it, less what is in the quarantine. Returns how many.</summary>
    private async Task<long> VerifyAsync(RestoreJournal journal, ClickHouseDatabase database, CancellationToken cancellation)
    {
        RestoreStretch stretch = journal.Plan.Stretches[journal.Stretch];
        var parameters = new SqlParameters();
        ulong behind = Math.Max(stretch.Behind, stretch.Epoch.First - 1); // an epoch before may be of the same log
        string sql = $"SELECT count() FROM spans WHERE wal = {parameters.Add(stretch.Epoch.Log)} AND seg > {parameters.Add(behind)} AND seg < {parameters.Add(journal.Fetched.Next)}";
        long stored = long.Parse((await database.ReadLinesAsync(new SqlQuery(sql, parameters.Values), cancellation).ConfigureAwait(false))[0], CultureInfo.InvariantCulture);
        long setAside = QuarantinedIn(LogOf(stretch)).Sum(path => WalReader.Read(path)?.Records.Sum(record => (long)record.SpanCount) ?? 0);
        bool isRight = acceptsHoles ? stored + setAside >= journal.Fetched.Spans : stored + setAside == journal.Fetched.Spans;
        if (!isRight) throw new IOException($"{stored} spans are stored of the log of epoch {stretch.Epoch.Number}, and {setAside} are set aside, where the archive has {journal.Fetched.Spans}: the restore isn't whole.");
        return stored;
    }

    private static string[] QuarantinedIn(string log) =>
        Directory.Exists(Path.Combine(log, "quarantine")) ? Directory.GetFiles(Path.Combine(log, "quarantine"), "*.wal") : [];

    private RestoreJournal Next(RestoreJournal journal, long spans)
    {
        int next = journal.Stretch + 1;
        bool isLast = next == journal.Plan.Stretches.Count;
        return (journal with { Spans = journal.Spans + spans, Stretch = next, Fetched = isLast ? journal.Fetched : FetchedLog.Before(journal.Plan.Stretches[next]) }).Save(settings.DataDirectory);
    }

    private void GoOnFrom(ArchiveOrigin origin, RestoreJournal journal)
    {
        if (!journal.IsCopy) new ArchiveIdentity(Guid.NewGuid(), journal.Plan.Lineage, IsBegun: true, origin).Save(settings.DataDirectory);
        new RetentionHold(journal.From, journal.Plan.Instant, DateTimeOffset.UtcNow, journal.IsCopy).Save(settings.DataDirectory);
    }

    private void Finish(RestoreJournal journal)
    {
        bool isAllKept = journal.Plan.Stretches.All(stretch => KeepQuarantine(LogOf(stretch)));
        if (isAllKept && Directory.Exists(LogsDirectory)) Directory.Delete(LogsDirectory, recursive: true);
        RestoreJournal.Delete(settings.DataDirectory);
    }

    /// <summary>What ClickHouse refused goes to where tracestore quarantine finds it; false where something of the same name is there already.</summary>
    private bool KeepQuarantine(string log)
    {
        string target = Directory.CreateDirectory(Path.Combine(settings.Wal.Directory, "quarantine")).FullName;
        string[] kept = [.. QuarantinedIn(log).Where(path => !File.Exists(Path.Combine(target, Path.GetFileName(path))))];
        foreach (string path in kept.SelectMany(path => new[] { path + ".reason", path }).Where(File.Exists)) File.Move(path, Path.Combine(target, Path.GetFileName(path)));
        return QuarantinedIn(log).Length == 0;
    }
}
