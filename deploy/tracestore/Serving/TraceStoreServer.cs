using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using TraceStore.Collector.Pipeline;
using TraceStore.Collector.Protection;
using TraceStore.Collector.Receivers;
using TraceStore.Query.Endpoints;
using TraceStore.Query.Execution;
using TraceStore.Recovery;
using TraceStore.Settings;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Engine;
using TraceStore.Storage.Memory;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Retention;
using TraceStore.Storage.Snapshots;
using TraceStore.Storage.Wal;

namespace TraceStore.Serving;

/// <summary>
/// TraceStore in one process: storage, then ingest and what protects it, then queries, then the doors, started in this order and stopped in
/// reverse.
/// </summary>
internal sealed class TraceStoreServer : IAsyncDisposable
{
    private const string ArchiveSink = "archive";

    private static readonly TimeSpan s_contentPoll = TimeSpan.FromMilliseconds(100);

    private readonly Stack<Func<ValueTask>> _stops = new();
    private readonly TraceStoreSettings _settings;
    private readonly ILoggerFactory _logs;
    private EngineSupervisor? _engine;
    private Health? _health;
    private long _stopping;

    private TraceStoreServer(TraceStoreSettings settings, ILoggerFactory logs) => (_settings, _logs) = (settings, logs);

    /// <summary>The ports that were bound, which differ from the settings' where those were 0.</summary>
    public int OtlpGrpcPort { get; private set; }

    public int OtlpHttpPort { get; private set; }

    public int TempoPort { get; private set; }

    public int JaegerPort { get; private set; }

    /// <summary>What a stop couldn't store in time; the write-ahead log keeps it for the next start.</summary>
    public WalBacklog Left { get; private set; }

    /// <summary>The same of what it couldn't archive.</summary>
    public WalBacklog LeftToArchive { get; private set; }

    /// <summary>The embedded engine's process; null with an external ClickHouse.</summary>
    public int? EngineProcessId => _engine?.ProcessId;

    /// <exception cref="IOException">A directory is in use or can't be written, or a port is taken.</exception>
    /// <exception cref="InvalidOperationException">The embedded engine didn't start.</exception>
    public static async Task<TraceStoreServer> StartAsync(TraceStoreSettings settings, IConfiguration configuration, CancellationToken cancellation)
    {
        ILoggerFactory logs = LogOutput.Create(configuration);
        var server = new TraceStoreServer(settings, logs);
        server._stops.Push(() => { logs.Dispose(); return default; });
        try
        {
            await server.StartAsync(configuration, cancellation).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Whether queries can be answered now.</summary>
    public async Task<bool> CanQueryAsync(CancellationToken cancellation) => (await _health!.CheckAsync().WaitAsync(cancellation).ConfigureAwait(false)).IsReady;

    /// <summary>Stops what runs, within <see cref="TraceStoreSettings.ShutdownTimeout"/>: doors, then ingest, then storage.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopping = Stopwatch.GetTimestamp();
        while (_stops.TryPop(out Func<ValueTask>? stop)) await stop().ConfigureAwait(false);
    }

    private async Task StartAsync(IConfiguration configuration, CancellationToken cancellation)
    {
        // Nothing is touched before it is known that all doors can be opened
        Door tempoDoor = Door.ForQueries("Tempo API", _settings.TempoPort, "--tempo-port", _settings.MaxConnections / 8);
        Door jaegerDoor = Door.ForQueries("Jaeger API", _settings.JaegerPort, "--jaeger-port", _settings.MaxConnections / 8);
        Door httpDoor = Door.ForExports("OTLP HTTP", _settings.OtlpHttpPort, "--otlp-http-port", _settings.MaxConnections * 3 / 8);
        Door grpcDoor = Door.ForExports("OTLP gRPC", _settings.OtlpGrpcPort, "--otlp-grpc-port", _settings.MaxConnections * 3 / 8);
        string[] taken = [.. new[] { grpcDoor, httpDoor, tempoDoor, jaegerDoor }.Select(door => door.WhyTaken(_settings.ListenAddress)).OfType<string>()];
        if (taken.Length > 0) throw new IOException(string.Join("\n  ", taken));

        // Storage
        WarnOfOpenFolders();
        StopLast(DirectoryLock.Acquire(_settings.DataDirectory));
        RestoreJournal? journal = RestoreJournal.Read(_settings.DataDirectory);
        if (journal is not null) CheckIsServed(journal);
        if (_settings.Archive is null) WalCursor.Forget(_settings.Wal.Directory, ArchiveSink);
        if (RetentionHold.IsIn(_settings.DataDirectory)) _logs.CreateLogger<TraceStoreServer>().LogWarning("What was restored here is kept, however old: retention drops nothing until you say so, with {Program} restore release --data {Directory}", ThisProgram.Name, _settings.DataDirectory);
        var wal = StopLast(WriteAheadLog.Open(_settings.Wal, TimeProvider.System, _logs.CreateLogger<WriteAheadLog>()));
        _engine = _settings.Engine is { } engineOptions
            ? StopLast(await EngineSupervisor.StartAsync(engineOptions, _logs.CreateLogger<EngineSupervisor>(), cancellation).ConfigureAwait(false))
            : null;
        var database = StopLast(new ClickHouseDatabase(_settings.ClickHouse, _engine?.Handler));

        // Ingest. All cursors are opened before any moves on
        WalCursor? archived = _settings.Archive is { } archive ? wal.OpenCursor(ArchiveSink, archive.Claim) : null;
        var telemetry = StopLast(new OwnTelemetry());
        var quarantine = new Quarantine(_settings.Wal.Directory);
        var metrics = new IngestMetrics(telemetry.Meters, wal, quarantine);
        var schema = new SchemaMigrator(database, _logs.CreateLogger<SchemaMigrator>());
        var recent = new RecentSpans();
        var follower = StopLast(new SegmentFollower(
            wal, quarantine, schema, new SpanBlockInserter(database), Watch, recent, _settings.ClickHouse.MaxBlockAge, metrics, _logs.CreateLogger<SegmentFollower>()));
        IObjectStore? store = _settings.Archive is null ? null : StopLast(ObjectStores.Open(_settings.Archive.Store));
        LogArchiver? archiver = store is null ? null : StartArchiver(store, wal, archived!, telemetry);
        var pipeline = StopLast(new IngestPipeline(wal, _settings.Ingest, _settings.Otlp.MaxRequestBytes, metrics, _logs.CreateLogger<IngestPipeline>()));
        _stops.Push(() => StoreWhatIsLeftAsync(wal, follower, archiver));
        ServedRestore? restore = journal is null ? null : StopLast(new ServedRestore(_settings, journal, store!, _engine!, database, follower, _logs));
        if (_engine is not null) await WaitForSchemaAsync(follower, cancellation).ConfigureAwait(false);

        // Protection
        var wrongDays = new WrongDays(Path.Combine(_settings.DataDirectory, "wrong-days.json"), _logs.CreateLogger<WrongDays>());
        var clock = new ClockWatch(TimeProvider.System, wal.NewestTimeAtOpen, wrongDays, _logs.CreateLogger<ClockWatch>());
        var dropped = new DroppedDays(Path.Combine(_settings.DataDirectory, "dropped-days.json"), _logs.CreateLogger<DroppedDays>());
        StopLast(new RetentionSchedule(
            new DayPartitions(database), _settings.Retention, () => RetentionHold.IsIn(_settings.DataDirectory) || RestoreJournal.IsIn(_settings.DataDirectory), dropped, clock, wrongDays, TimeProvider.System, metrics, _logs.CreateLogger<RetentionSchedule>()));
        SnapshotSchedule? snapshots = null;
        if (_engine is not null)
        {
            var parts = new TableParts(database, _settings.Engine!.TablesDirectory);
            parts.Thaw(); // what a killed process held for its snapshot
            if (archiver is not null) snapshots = await StartSnapshotsAsync(store!, archiver, wal, follower, restore, database, parts, dropped, clock, telemetry, configuration).ConfigureAwait(false);
        }

        StopLast(new MemoryReturn(TimeProvider.System));
        StopLast(new MappedFiles());

        RecoveryWatch? recovery = archiver is null ? null : StopLast(new RecoveryWatch(_settings, new RecoveryMetrics(telemetry.Meters, TimeProvider.System), () => restore?.Missing, TimeProvider.System, _logs));

        // Queries
        var gate = StopLast(new QueryGate(_settings.Query));
        var reader = StopLast(new TraceReader(database, recent, gate, () => restore?.Missing));
        _health = new Health(wal, pipeline, follower, reader, archiver, snapshots, restore);
        TempoPort = await OpenAsync(tempoDoor, app =>
        {
            app.MapHealth(_health, telemetry, recovery);
            app.CheckOrigins(_settings.QueryOrigins);
            if (restore is not null) app.TellPartial(restore);
            app.MapTempoApi(reader, _settings.Query);
        }).ConfigureAwait(false);
        JaegerPort = await OpenAsync(jaegerDoor, app =>
        {
            app.MapHealth(_health, telemetry, recovery);
            app.CheckOrigins(_settings.QueryOrigins);
            if (restore is not null) app.TellPartial(restore);
            app.MapJaegerApi(reader, _settings.Query);
        }).ConfigureAwait(false);

        // Ingest's doors, last to open and first to close
        var otlp = StopLast(new OtlpDoors(pipeline, _settings.Otlp, metrics));
        OtlpHttpPort = await OpenAsync(httpDoor, otlp.Map, otlp.AddTo).ConfigureAwait(false);
        OtlpGrpcPort = await OpenAsync(grpcDoor, otlp.Map, otlp.AddTo).ConfigureAwait(false);
    }

    /// <exception cref="IOException">The directory is being restored, and not to be served; or from elsewhere.</exception>
    private void CheckIsServed(RestoreJournal journal)
    {
        if (!journal.IsServed) throw new IOException($"{_settings.DataDirectory} is being restored and isn't whole. Go on with: {ThisProgram.Name} restore --from {journal.From} --data {_settings.DataDirectory}");
        if (ArchiveIdentity.Find(_settings.DataDirectory) is null) throw new IOException($"The restore of {_settings.DataDirectory} has only begun. Go on with: {ThisProgram.Name} restore --serve --from {journal.From} --data {_settings.DataDirectory}");
        if (_settings.Archive?.Store.Address != journal.From || _settings.Engine is null) throw new IOException($"{_settings.DataDirectory} is being restored from {journal.From}. Go on with: {ThisProgram.Name} --archive {journal.From} --data {_settings.DataDirectory}, and without an external ClickHouse.");
    }

    private LogArchiver StartArchiver(IObjectStore store, WriteAheadLog wal, WalCursor cursor, OwnTelemetry telemetry)
    {
        var archiver = StopLast(new LogArchiver(store, wal, cursor, _settings.DataDirectory, _settings.Archive!.Options, _logs.CreateLogger<LogArchiver>()));
        _ = new ArchiveMetrics(telemetry.Meters, archiver, TimeProvider.System);
        return archiver;
    }

    private async Task<SnapshotSchedule> StartSnapshotsAsync(IObjectStore store, LogArchiver archiver, WriteAheadLog wal, SegmentFollower follower, ServedRestore? restore, ClickHouseDatabase database, TableParts parts, DroppedDays dropped, ClockWatch clock, OwnTelemetry telemetry, IConfiguration configuration)
    {
        (IReadOnlyDictionary<string, string> told, IReadOnlyList<string> secrets) = SettingsCatalogue.Tell(configuration);
        var source = new SnapshotSource
        {
            WalDirectory = _settings.Wal.Directory,
            NewestReceived = () => wal.NewestReceived,
            WasDropped = dropped.Contains,
            FindLastAsync = FindLastAsync,
            BetweenBlocksAsync = (action, token) => restore?.State is { } state ? throw new IOException($"No snapshot is taken of what isn't whole. {state}") : follower.BetweenBlocksAsync(action, token),
            CheckEngineAsync = token => Watch().CheckAsync(token),
            Version = ThisProgram.Version,
            Settings = told,
            Secrets = secrets,
        };
        var snapshotter = new Snapshotter(store, archiver, parts, source, _logs.CreateLogger<Snapshotter>());
        var retention = new ArchiveRetention(store, () => archiver.Ailment is null ? archiver.Archived : null, archiver.TrimAsync, _settings.Archive!.Retention, _logs.CreateLogger<ArchiveRetention>());
        var schedule = StopLast(new SnapshotSchedule(snapshotter, new SnapshotCatalogue(store), retention, _settings.Archive!.SnapshotEvery, clock, TimeProvider.System, new SnapshotMetrics(telemetry.Meters, TimeProvider.System), _logs.CreateLogger<SnapshotSchedule>()));
        if (await ControlSocket.OpenAsync(_settings.DataDirectory, schedule, ReadContentAsync, _logs).ConfigureAwait(false) is { } control) StopLast(control);
        return schedule;

        // Of what the present log went on from: a restore to an instant has left other snapshots behind
        async Task<SnapshotId?> FindLastAsync(IEnumerable<SnapshotId> there, CancellationToken cancellation) =>
            await store.GetAsync(ArchiveNames.Head, cancellation).ConfigureAwait(false) is { } head ? RestorePlan.Of(ArchiveHead.Decode(store, head.Content.Span), null).Choose(there) : null;

        async Task<LiveContent> ReadContentAsync(ulong log, ulong through, CancellationToken cancellation)
        {
            if (restore?.State is { } state) throw new IOException(state);
            while (await follower.BetweenBlocksAsync(Task.FromResult, cancellation).ConfigureAwait(false) < through && wal.Identity == log) await Task.Delay(s_contentPoll, cancellation).ConfigureAwait(false);
            return new LiveContent(await StoredContent.ReadAsync(database, log, through, cancellation).ConfigureAwait(false), dropped.All);
        }
    }

    /// <summary>Folders that were there before keep their modes; what lies in them is created for its owner alone from now on.</summary>
    private void WarnOfOpenFolders()
    {
        foreach (string folder in new[] { _settings.DataDirectory, _settings.Wal.Directory }.Distinct().Where(FileModes.IsOpenToOthers))
        {
            _logs.CreateLogger<TraceStoreServer>().LogWarning("Other users of this machine can look into {Folder}, where spans are kept: chmod -R go= {SameFolder}", folder, folder);
        }
    }

    /// <summary>Waits until there are tables; one that takes long to be brought up to date holds up queries and nothing else.</summary>
    private async Task WaitForSchemaAsync(SegmentFollower follower, CancellationToken cancellation)
    {
        try
        {
            await follower.SchemaReady.WaitAsync(_settings.Engine!.StartTimeout, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // readiness says so
        }
    }

    /// <summary>What is left of the time that a stop may take, but for what the engine needs to end.</summary>
    private TimeSpan TimeToStop
    {
        get
        {
            TimeSpan left = _settings.ShutdownTimeout - (_settings.Engine?.StopTimeout ?? TimeSpan.Zero) - Stopwatch.GetElapsedTime(_stopping);
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    private async Task<int> OpenAsync(Door door, Action<WebApplication> map, Action<IServiceCollection>? addServices = null)
    {
        WebApplication app = door.Build(_settings, _logs, addServices);
        _stops.Push(app.DisposeAsync);
        map(app);
        int port = await door.OpenAsync(app, _settings.ListenAddress).ConfigureAwait(false);
        _stops.Push(async () =>
        {
            using var limit = new CancellationTokenSource(TimeToStop);
            await app.StopAsync(limit.Token).ConfigureAwait(false); // requests that take longer are cut off
        });
        return port;
    }

    private StoreWatch Watch() => _engine?.Watch() is { } engine ? new StoreWatch(engine.CheckAsync, engine.ConfirmAsync) : StoreWatch.None;

    /// <summary>After the doors have closed: seals the log and stores it, as far as time allows. The log keeps the rest.</summary>
    private async ValueTask StoreWhatIsLeftAsync(WriteAheadLog wal, SegmentFollower follower, LogArchiver? archiver)
    {
        try
        {
            await wal.CompleteAsync().WaitAsync(TimeToStop + TimeSpan.FromSeconds(1)).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            _logs.CreateLogger<TraceStoreServer>().LogWarning("The disk of {Directory} doesn't answer; what it hasn't taken was never acknowledged.", _settings.Wal.Directory);
        }

        Task archived = archiver?.DrainAsync(TimeToStop) ?? Task.CompletedTask;
        Left = await follower.DrainAsync(TimeToStop).ConfigureAwait(false);
        await archived.ConfigureAwait(false);
        LeftToArchive = archiver?.Backlog ?? default;
    }

    private T StopLast<T>(T part)
    {
        _stops.Push(part switch
        {
            IAsyncDisposable asynchronous => asynchronous.DisposeAsync,
            IDisposable disposable => () => { disposable.Dispose(); return default; },
            _ => throw new ArgumentException("BUG: a part that can't be stopped", nameof(part)),
        });
        return part;
    }
}
