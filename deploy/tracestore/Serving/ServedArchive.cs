using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using TraceStore.Collector.Protection;
using TraceStore.Recovery;
using TraceStore.Settings;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Retention;
using TraceStore.Storage.Snapshots;
using TraceStore.Storage.Wal;

namespace TraceStore.Serving;

/// <summary>
/// The archive of a TraceStore that serves.
/// <list type="number">
/// <item>The log goes there as it comes.</item>
/// <item>What of a restore is left is brought back from there.</item>
/// <item>Snapshots are taken and let go of, and the recovery plan is watched.</item>
/// </list>
/// </summary>
internal sealed class ServedArchive
{
    private static readonly TimeSpan s_contentPoll = TimeSpan.FromMilliseconds(100);

    private readonly TraceStoreSettings _settings;
    private readonly ServedSpans _spans;
    private readonly OwnTelemetry _telemetry;
    private readonly RunningParts _running;
    private readonly ILoggerFactory _logs;
    private readonly IObjectStore _store;

    /// <summary>1: begins to archive.</summary>
    public ServedArchive(TraceStoreSettings settings, ServedSpans spans, WalCursor cursor, OwnTelemetry telemetry, RunningParts running, ILoggerFactory logs)
    {
        (_settings, _spans, _telemetry, _running, _logs) = (settings, spans, telemetry, running, logs);
        _store = running.Add(ObjectStores.Open(settings.Archive!.Store));
        Archiver = running.Add(new LogArchiver(_store, spans.Wal, cursor, settings.DataDirectory, settings.Archive.Options, logs.CreateLogger<LogArchiver>()));
        _ = new ArchiveMetrics(telemetry.Meters, Archiver, TimeProvider.System);
    }

    /// <summary>Archives the log.</summary>
    public LogArchiver Archiver { get; }

    /// <summary>Brings back what is missing; null where nothing is.</summary>
    public ServedRestore? Restore { get; private set; }

    /// <summary>Takes snapshots; null where none can be taken.</summary>
    public SnapshotSchedule? Snapshots { get; private set; }

    /// <summary>Looks at the recovery plan; null before the end of the start.</summary>
    public RecoveryWatch? Recovery { get; private set; }

    /// <summary>2: goes on with a restore that was begun, or begins with what a lost log had archived.</summary>
    public void BringBackWhatIsMissing(bool isBegun)
    {
        bool isLogLost = LostLog.IsLost(_settings.DataDirectory, _spans.Wal.Identity);
        if (isBegun || isLogLost) Restore = _running.Add(new ServedRestore(_settings, _store, _spans, isLogLost, _logs));
    }

    /// <summary>3: takes snapshots of the embedded engine, or lets an external ClickHouse back itself up where it is said where to.</summary>
    public async Task ProtectAsync(DroppedDays dropped, ClockWatch clock, IConfiguration configuration)
    {
        if (_spans.Engine is not null || _settings.Archive!.ClickHouseBackup is not null) await StartSnapshotsAsync(dropped, clock, configuration).ConfigureAwait(false);
        Recovery = _running.Add(new RecoveryWatch(_settings, new RecoveryMetrics(_telemetry.Meters, TimeProvider.System), () => Restore?.Missing, TimeProvider.System, _logs));
    }

    private async Task StartSnapshotsAsync(DroppedDays dropped, ClockWatch clock, IConfiguration configuration)
    {
        (IReadOnlyDictionary<string, string> told, IReadOnlyList<string> secrets) = SettingsCatalogue.Tell(configuration);
        var source = new SnapshotSource
        {
            WalDirectory = _settings.Wal.Directory,
            NewestReceived = () => _spans.Wal.NewestReceived,
            WasDropped = dropped.Contains,
            FindLastAsync = FindLastAsync,
            BetweenBlocksAsync = (action, token) => Restore?.State is { } state ? throw new IOException($"No snapshot is taken of what isn't whole. {state}") : _spans.Follower.BetweenBlocksAsync(action, token),
            CheckEngineAsync = token => _spans.Engine.WatchStore().CheckAsync(token),
            Version = ThisProgram.Version,
            Settings = told,
            Secrets = secrets,
        };
        ISnapshotter snapshotter = _settings.Engine is { } engine
            ? new Snapshotter(_store, Archiver, new TableParts(_spans.Database, engine.TablesDirectory), source, _logs.CreateLogger<Snapshotter>())
            : new BackupSnapshotter(_store, Archiver, new ClickHouseBackup(_spans.Database, _settings.Archive!.ClickHouseBackup!), source, _logs.CreateLogger<BackupSnapshotter>());
        var retention = new ArchiveRetention(_store, () => Archiver.Ailment is null ? Archiver.Archived : null, Archiver.TrimAsync, _settings.Archive!.Retention, _logs.CreateLogger<ArchiveRetention>());
        Snapshots = _running.Add(new SnapshotSchedule(
            snapshotter, new SnapshotCatalogue(_store), retention, _settings.Archive.SnapshotEvery, clock, TimeProvider.System, new SnapshotMetrics(_telemetry.Meters, TimeProvider.System), _logs.CreateLogger<SnapshotSchedule>()));
        ControlSocket? control = await ControlSocket.OpenAsync(_settings.DataDirectory, Snapshots, (log, through, token) => ReadContentAsync(log, through, dropped, token), _logs).ConfigureAwait(false);
        if (control is not null) _running.Add(control);
    }

    /// <summary>Of what the present log went on from: a restore to an instant has left other snapshots behind.</summary>
    private async Task<SnapshotId?> FindLastAsync(IEnumerable<SnapshotId> there, CancellationToken cancellation) =>
        await _store.GetAsync(ArchiveNames.Head, cancellation).ConfigureAwait(false) is { } head ? RestorePlan.Of(ArchiveHead.Decode(_store, head.Content.Span), null).Choose(there) : null;

    private async Task<LiveContent> ReadContentAsync(ulong log, ulong through, DroppedDays dropped, CancellationToken cancellation)
    {
        if (Restore?.State is { } state) throw new IOException(state);
        while (await _spans.Follower.BetweenBlocksAsync(Task.FromResult, cancellation).ConfigureAwait(false) < through && _spans.Wal.Identity == log) await Task.Delay(s_contentPoll, cancellation).ConfigureAwait(false);
        return new LiveContent(await StoredContent.ReadAsync(_spans.Database, log, through, cancellation).ConfigureAwait(false), dropped.All);
    }
}
