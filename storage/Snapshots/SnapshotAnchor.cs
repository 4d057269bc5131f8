using System.Diagnostics;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Snapshots;

/// <summary>What ties a snapshot to the archive: the moment between two blocks, the log that is archived, and the snapshot before.</summary>
internal sealed class SnapshotAnchor(IObjectStore store, LogArchiver archiver, SnapshotSource source, ILogger log)
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    /// <summary>ClickHouse that can't store a block for so long isn't well.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    /// <summary>How long storing waited the last time.</summary>
    public TimeSpan LastHold { get; private set; }

    /// <summary>Where the archiver is, once it is so far.</summary>
    public async Task<ArchivedLog> UntilArchivedAsync(ulong segment, CancellationToken cancellation)
    {
        while (true)
        {
            if (archiver.Ailment is { } ailment) throw new IOException($"Nothing is archived now, so no snapshot is taken. {ailment}");
            if (archiver.Archived is { } archived && archived.Frontier.Segment >= segment) return archived;
            await Task.Delay(s_poll, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until the log is archived up to a snapshot's segment, and says everything about it but where its rows are.</summary>
    /// <param name="id">The snapshot.</param>
    /// <param name="received">Nothing in it was received later.</param>
    /// <param name="last">The one before; null for none.</param>
    /// <param name="database">What it is of.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<SnapshotManifest> DescribeAsync(SnapshotId id, DateTimeOffset received, SnapshotManifest? last, ClickHouseDatabase database, CancellationToken cancellation)
    {
        ArchivedLog archived = await UntilArchivedAsync(id.Segment, cancellation).ConfigureAwait(false);
        if (archived.Epoch.Number != id.Epoch) throw new ArchiveNotOursException($"The archive in {store.Address} was taken by another writer while the snapshot was made.");
        return new SnapshotManifest(
            SnapshotManifest.NewestFormat,
            id,
            archived.Lineage,
            archived.Epoch.Log,
            received,
            archived.Frontier,
            await ReplayFromAsync(archived.Epoch, id.Segment, last, cancellation).ConfigureAwait(false),
            new SnapshotVersions(source.Version, await database.ReadVersionAsync(cancellation).ConfigureAwait(false), SchemaMigration.All[^1].Number),
            Tables: [],
            Logs: [],
            Quarantine: null,
            source.Settings,
            source.Secrets);
    }

    /// <summary>The last group of the archive that begins no later than the segment behind the snapshot.</summary>
    private Task<ulong> ReplayFromAsync(ArchiveEpoch epoch, ulong segment, SnapshotManifest? last, CancellationToken cancellation) =>
        new LogArchiveReader(store).FindGroupAsync(epoch.Number, last is not null && last.Id.Epoch == epoch.Number ? last.ReplayFrom : epoch.First, segment + 1, cancellation);

    public async Task<SnapshotManifest?> FindLastAsync(CancellationToken cancellation)
    {
        var catalogue = new SnapshotCatalogue(store);
        IReadOnlyList<SnapshotEntry> there = await catalogue.ListAsync(cancellation).ConfigureAwait(false);
        SnapshotId? newest = await source.FindLastAsync(there.Select(entry => entry.Id), cancellation).ConfigureAwait(false);
        try
        {
            return newest is null ? null : await catalogue.ReadAsync(newest, cancellation).ConfigureAwait(false);
        }
        catch (ObjectDamagedException e)
        {
            log.LogWarning("The next snapshot can't build on the last one, and reads all parts again. {Cause}", e.Message);
            return null;
        }
    }

    /// <summary>Runs something while nothing is being stored; returns what it gives, and up to which segment everything is stored.</summary>
    /// <exception cref="IOException">ClickHouse isn't well.</exception>
    public async Task<(ulong Segment, IReadOnlyList<FrozenPart> Parts)> BetweenBlocksAsync(Func<Task<IReadOnlyList<FrozenPart>>> action, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(s_patience);
        try
        {
            return await source.BetweenBlocksAsync(
                async through =>
                {
                    long began = Stopwatch.GetTimestamp();
                    IReadOnlyList<FrozenPart> held = await action().ConfigureAwait(false);
                    LastHold = Stopwatch.GetElapsedTime(began);
                    return (through, held);
                },
                limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"ClickHouse has stored no block for {s_patience.TotalMinutes:F0} minutes, so no snapshot is taken. /readyz says what is wrong.", e);
        }
    }

    /// <exception cref="IOException">ClickHouse holds less than what the archive begins with.</exception>
    public static void CheckMeets(ArchivedLog archived, ulong segment)
    {
        if (segment + 1 < archived.Epoch.First) throw new IOException($"ClickHouse holds the log up to segment {segment}, and the archive begins with {archived.Epoch.First}: no snapshot is taken before they meet.");
    }

    /// <summary>A disk that was lost or a table that was dropped leaves less than there was; the next snapshot would hide what the last one still has.</summary>
    /// <param name="last">The last one.</param>
    /// <param name="there">The spans that are stored, by day as ClickHouse names its partition.</param>
    /// <exception cref="IOException">Some are lost.</exception>
    public void CheckNothingIsLost(SnapshotManifest last, IReadOnlyDictionary<string, long> there)
    {
        foreach (SnapshotPartition day in last.Tables.Where(table => table.Name == SpanColumns.Spans.Name).SelectMany(table => table.Partitions))
        {
            long rows = there.GetValueOrDefault(day.Id);
            if (rows >= day.Rows || source.WasDropped(day.Id)) continue;
            throw new IOException(
                $"Of {day.Id}, {rows} spans are stored, where snapshot {last.Id} has {day.Rows}: spans were lost, so no snapshot is taken that would hide it. Bring them back: tracestore restore into another directory. If they may go: tracestore snapshot create --accept-loss");
        }
    }
}
