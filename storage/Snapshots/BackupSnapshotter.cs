using System.Globalization;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Snapshots;

/// <summary>
/// Takes snapshots of an external ClickHouse, which keeps its parts to itself: by its own BACKUP, under the same manifest.
/// <list type="number">
/// <item>Between two blocks, hold the quarantine, and learn up to which segment everything is stored.</item>
/// <item>See that nothing is missing that the last snapshot had and nobody dropped.</item>
/// <item>Let ClickHouse back itself up; only what is new since the last backup, but for one in a while. What is stored meanwhile may be in it: each
/// row says which segment it is of, and a restore goes on behind the last.</item>
/// <item>Wait until the log is archived up to there, and create the manifest.</item>
/// </list>
/// </summary>
public sealed class BackupSnapshotter(IObjectStore store, LogArchiver archiver, ClickHouseBackup backup, SnapshotSource source, ILogger<BackupSnapshotter> log) : ISnapshotter
{
    /// <summary>So many backups hang on one that is whole; each is needed for those behind it.</summary>
    private const int MaxChain = 24;

    private readonly HeldQuarantine _quarantine = new(source.WalDirectory);
    private readonly PackWriter _packs = new(store, log);
    private readonly SnapshotAnchor _anchor = new(store, archiver, source, log);

    public TimeSpan LastHold => _anchor.LastHold;

    public async Task<SnapshotManifest> TakeAsync(bool acceptsLoss, Action<SnapshotProgress> progress, CancellationToken cancellation)
    {
        ArchivedLog archived = await _anchor.UntilArchivedAsync(0, cancellation).ConfigureAwait(false);
        SnapshotManifest? last = await _anchor.FindLastAsync(cancellation).ConfigureAwait(false);
        progress(new SnapshotProgress(0, 1));
        _quarantine.LetGo();
        try
        {
            (ulong segment, _) = await _anchor.BetweenBlocksAsync(
                () =>
                {
                    _quarantine.Hold();
                    return Task.FromResult<IReadOnlyList<FrozenPart>>([]);
                },
                cancellation).ConfigureAwait(false); // 1
            var id = SnapshotId.At(DateTimeOffset.UtcNow, archived.Epoch.Number, segment);
            SnapshotAnchor.CheckMeets(archived, segment);
            IReadOnlyDictionary<string, long> days = await ReadDaysAsync(archived.Epoch.Log, segment, cancellation).ConfigureAwait(false);
            if (!acceptsLoss && last is not null) _anchor.CheckNothingIsLost(last, days); // 2
            SnapshotBackup taken = await BackUpAsync(id, last, cancellation).ConfigureAwait(false); // 3
            DateTimeOffset received = source.NewestReceived(); // what came meanwhile may be in it
            IReadOnlyList<StoredLog> stored = await StoredContent.ReadLogsAsync(backup.Database, archived.Epoch.Log, segment, cancellation).ConfigureAwait(false);
            PackReference? quarantine = await _quarantine.PackAsync(_packs, cancellation).ConfigureAwait(false);
            SnapshotManifest described = await _anchor.DescribeAsync(id, received, last, backup.Database, cancellation).ConfigureAwait(false); // 4
            SnapshotManifest manifest = described with { Tables = Tables(days), Logs = SnapshotLog.Of(stored), Quarantine = quarantine, Backup = taken };
            await new SnapshotCatalogue(store).CreateAsync(manifest, cancellation).ConfigureAwait(false);
            progress(new SnapshotProgress(1, 1));
            return manifest;
        }
        finally
        {
            _quarantine.LetGo();
        }
    }

    public async Task<bool> HasAnythingAsync(CancellationToken cancellation) =>
        (await backup.Database.ReadLinesAsync(new SqlQuery("SELECT 1 FROM spans LIMIT 1"), cancellation).ConfigureAwait(false)).Count > 0;

    private async Task<SnapshotBackup> BackUpAsync(SnapshotId id, SnapshotManifest? last, CancellationToken cancellation)
    {
        if (last?.Backup is { } earlier && earlier.Destination == backup.Destination && earlier.Chain < MaxChain)
        {
            try
            {
                var added = new SnapshotBackup(backup.Destination, $"{id}", earlier.Chain + 1);
                await backup.TakeAsync(added.Name, earlier.Name, cancellation).ConfigureAwait(false);
                return added;
            }
            catch (ClickHouseRefusedException e)
            {
                log.LogWarning("The next backup can't build on the last one, and is whole. {Cause}", e.Message);
            }
        }

        var whole = new SnapshotBackup(backup.Destination, $"{id}-whole", Chain: 1);
        await backup.TakeAsync(whole.Name, based: null, cancellation).ConfigureAwait(false);
        return whole;
    }

    /// <summary>All tables that are backed up; of the spans, the days.</summary>
    private static IReadOnlyList<SnapshotTable> Tables(IReadOnlyDictionary<string, long> days) =>
    [
        .. from table in SpanColumns.Tables
           let isOfSpans = table.Name == SpanColumns.Spans.Name
           select new SnapshotTable(table.Name, isOfSpans ? [.. days.Select(day => new SnapshotPartition(day.Key, day.Value, "", []))] : []),
    ];

    /// <summary>Spans by day, as ClickHouse names its partition.</summary>
    private async Task<IReadOnlyDictionary<string, long>> ReadDaysAsync(ulong ours, ulong segment, CancellationToken cancellation)
    {
        var parameters = new SqlParameters();
        var sql = new SqlQuery($"SELECT toYYYYMMDD(received_day), count() FROM spans WHERE wal != {parameters.Add(ours)} OR seg <= {parameters.Add(segment)} GROUP BY received_day ORDER BY received_day", parameters.Values);
        IReadOnlyList<string> lines = await backup.Database.ReadLinesAsync(sql, cancellation, StoredContent.Patience).ConfigureAwait(false);
        return lines.Select(line => line.Split('\t')).ToDictionary(fields => fields[0], fields => long.Parse(fields[1], CultureInfo.InvariantCulture));
    }
}
