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
using TraceStore.Settings;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Engine;
using TraceStore.Storage.Memory;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Wal;

namespace TraceStore.Serving;

/// <summary>
/// TraceStore in one process: storage, then ingest and what protects it, then queries, then the doors, started in this order and stopped in
/// reverse.
/// </summary>
internal sealed class TraceStoreServer : IAsyncDisposable
{
    private const string ArchiveSink = "archive";

    private readonly RunningParts _running = new();
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
        server._running.Add(logs);
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
        await _running.DisposeAsync().ConfigureAwait(false);
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
        _running.Add(DirectoryLock.Acquire(_settings.DataDirectory));
        RestoreJournal? journal = RestoreJournal.Read(_settings.DataDirectory);
        if (journal is { IsOfLostLog: true })
        {
            RestoreJournal.Delete(_settings.DataDirectory); // planned anew, if it is still lost
            journal = null;
        }

        if (journal is not null) CheckIsServed(journal);
        if (RetentionHold.Find(_settings.DataDirectory) is { IsCopy: true }) CheckIsLookedAt();
        if (_settings.Archive is null) WalCursor.Forget(_settings.Wal.Directory, ArchiveSink);
        if (RetentionHold.IsIn(_settings.DataDirectory)) _logs.CreateLogger<TraceStoreServer>().LogWarning("What was restored here is kept, however old: retention drops nothing until you say so, with {Program} restore release --data {Directory}", ThisProgram.Name, _settings.DataDirectory);
        var wal = _running.Add(WriteAheadLog.Open(_settings.Wal, TimeProvider.System, _logs.CreateLogger<WriteAheadLog>()));
        _engine = _settings.Engine is { } engineOptions
            ? _running.Add(await EngineSupervisor.StartAsync(engineOptions, _logs.CreateLogger<EngineSupervisor>(), cancellation).ConfigureAwait(false))
            : null;
        var database = _running.Add(new ClickHouseDatabase(_settings.ClickHouse, _engine?.Handler));

        // Ingest. All cursors are opened before any moves on
        WalCursor? archived = _settings.Archive is null ? null : wal.OpenCursor(ArchiveSink, _settings.Archive.Claim);
        var telemetry = _running.Add(new OwnTelemetry());
        var quarantine = new Quarantine(_settings.Wal.Directory);
        var metrics = new IngestMetrics(telemetry.Meters, wal, quarantine);
        var schema = new SchemaMigrator(database, _logs.CreateLogger<SchemaMigrator>());
        var recent = new RecentSpans();
        var follower = _running.Add(new SegmentFollower(
            wal, quarantine, schema, new SpanBlockInserter(database), _engine.WatchStore, recent, _settings.ClickHouse.MaxBlockAge, metrics, _logs.CreateLogger<SegmentFollower>()));
        ServedArchive? archive = archived is null ? null : new ServedArchive(_settings, new ServedSpans(wal, follower, database, _engine), archived, telemetry, _running, _logs);
        var pipeline = _running.Add(new IngestPipeline(wal, _settings.Ingest, _settings.Otlp.MaxRequestBytes, metrics, _logs.CreateLogger<IngestPipeline>()));
        _running.OnStop(() => StoreWhatIsLeftAsync(wal, follower, archive?.Archiver));
        archive?.BringBackWhatIsMissing(isBegun: journal is not null);
        if (_engine is not null) await WaitForSchemaAsync(follower, cancellation).ConfigureAwait(false);

        // Protection
        var wrongDays = new WrongDays(Path.Combine(_settings.DataDirectory, "wrong-days.json"), _logs.CreateLogger<WrongDays>());
        var clock = new ClockWatch(TimeProvider.System, wal.NewestTimeAtOpen, wrongDays, _logs.CreateLogger<ClockWatch>());
        var dropped = new DroppedDays(Path.Combine(_settings.DataDirectory, "dropped-days.json"), _logs.CreateLogger<DroppedDays>());
        _running.Add(new RetentionSchedule(
            new DayPartitions(database), _settings.Retention, () => RetentionHold.IsIn(_settings.DataDirectory) || RestoreJournal.HoldsRetention(_settings.DataDirectory), dropped, clock, wrongDays, TimeProvider.System, metrics, _logs.CreateLogger<RetentionSchedule>()));
        if (_engine is not null) new TableParts(database, _settings.Engine!.TablesDirectory).Thaw(); // what a killed process held for its snapshot
        if (archive is not null) await archive.ProtectAsync(dropped, clock, configuration).ConfigureAwait(false);
        _running.Add(new MemoryReturn(TimeProvider.System));
        _running.Add(new MappedFiles());

        // Queries
        var gate = _running.Add(new QueryGate(_settings.Query));
        var reader = _running.Add(new TraceReader(database, recent, gate, () => archive?.Restore?.Missing));
        _health = new Health(wal, pipeline, follower, reader, archive);
        TempoPort = await OpenAsync(tempoDoor, app =>
        {
            app.MapHealth(_health, telemetry, archive?.Recovery);
            app.CheckOrigins(_settings.QueryOrigins);
            if (archive?.Restore is { } restore) app.TellPartial(restore);
            app.MapTempoApi(reader, _settings.Query);
        }).ConfigureAwait(false);
        JaegerPort = await OpenAsync(jaegerDoor, app =>
        {
            app.MapHealth(_health, telemetry, archive?.Recovery);
            app.CheckOrigins(_settings.QueryOrigins);
            if (archive?.Restore is { } restore) app.TellPartial(restore);
            app.MapJaegerApi(reader, _settings.Query);
        }).ConfigureAwait(false);

        // Ingest's doors, last to open and first to close
        var otlp = _running.Add(new OtlpDoors(pipeline, _settings.Otlp, metrics));
        OtlpHttpPort = await OpenAsync(httpDoor, otlp.Map, otlp.AddTo).ConfigureAwait(false);
        OtlpGrpcPort = await OpenAsync(grpcDoor, otlp.Map, otlp.AddTo).ConfigureAwait(false);
    }

    /// <exception cref="IOException">The directory is being restored, and not to be served; or from elsewhere.</exception>
    private void CheckIsServed(RestoreJournal journal)
    {
        if (!journal.IsServed) throw new IOException($"{_settings.DataDirectory} is being restored and isn't whole. Go on with: {ThisProgram.Name} restore --from {journal.From} --data {_settings.DataDirectory}");
        if (ArchiveIdentity.Find(_settings.DataDirectory) is null) throw new IOException($"The restore of {_settings.DataDirectory} has only begun. Go on with: {ThisProgram.Name} restore --serve --from {journal.From} --data {_settings.DataDirectory}");
        if (_settings.Archive?.Store.Address != journal.From) throw new IOException($"{_settings.DataDirectory} is being restored from {journal.From}. Go on with: {ThisProgram.Name} --archive {journal.From} --data {_settings.DataDirectory}");
        journal.CheckInto(_settings.ExternalClickHouse);
    }

    /// <exception cref="IOException">What is set belongs to the TraceStore that it is a copy of.</exception>
    private void CheckIsLookedAt()
    {
        bool isElsewhere = !Path.GetFullPath(_settings.Wal.Directory).StartsWith(Path.TrimEndingDirectorySeparator(_settings.DataDirectory) + Path.DirectorySeparatorChar, StringComparison.Ordinal);
        string[] others = [.. new[] { _settings.Engine is null ? "ClickHouse:Url" : null, isElsewhere ? "Wal:Directory" : null, _settings.Archive is null ? null : "Archive:Url" }.OfType<string>()];
        if (others.Length > 0) throw new IOException($"{_settings.DataDirectory} is a copy of the past, to be looked at: {string.Join(", ", others)} would have it take part in the present. Start it without, from a folder that has no {TraceStoreSettings.FileName} and with no {TraceStoreSettings.EnvironmentPrefix}… set.");
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
        _running.OnStop(app.DisposeAsync);
        map(app);
        int port = await door.OpenAsync(app, _settings.ListenAddress).ConfigureAwait(false);
        _running.OnStop(async () =>
        {
            using var limit = new CancellationTokenSource(TimeToStop);
            await app.StopAsync(limit.Token).ConfigureAwait(false); // requests that take longer are cut off
        });
        return port;
    }

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
}
