using Microsoft.Extensions.Logging;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Snapshots;

/// <summary>What a snapshot is taken of.</summary>
public sealed record SnapshotSource
{
    /// <summary>The log's folder.</summary>
    public required string WalDirectory { get; init; }

    /// <summary>Nothing that is stored was received later.</summary>
    public required Func<DateTimeOffset> NewestReceived { get; init; }

    /// <summary>Runs something while nothing is being stored, telling it up to which segment of the log everything is.</summary>
    public required BetweenBlocks BetweenBlocksAsync { get; init; }

    /// <summary>The newest of some snapshots that holds nothing but what the present log went on from; null for none.</summary>
    public required Func<IEnumerable<SnapshotId>, CancellationToken, Task<SnapshotId?>> FindLastAsync { get; init; }

    /// <summary>Whether a day was dropped because it was too old or too much: what else is missing is lost.</summary>
    public required Func<string, bool> WasDropped { get; init; }

    /// <summary>Completes when the engine's writes have succeeded; throws an <see cref="IOException"/> where some haven't.</summary>
    public required Func<CancellationToken, Task> CheckEngineAsync { get; init; }

    /// <summary>TraceStore's version.</summary>
    public required string Version { get; init; }

    /// <summary>Settings that aren't the default.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Settings that are set and not told.</summary>
    public IReadOnlyList<string> Secrets { get; init; } = [];
}

/// <summary>Runs something between two blocks.</summary>
public delegate Task<(ulong Segment, IReadOnlyList<FrozenPart> Parts)> BetweenBlocks(Func<ulong, Task<(ulong Segment, IReadOnlyList<FrozenPart> Parts)>> action, CancellationToken cancellation);

/// <summary>How far a snapshot has come.</summary>
/// <param name="Parts">Parts of which it is known that they are in the store.</param>
/// <param name="OfParts">All parts.</param>
public sealed record SnapshotProgress(int Parts, int OfParts);

/// <summary>
/// Takes snapshots: of all that is stored at a moment, as parts, of which the store is given those that it hasn't got. For one caller at a time.
/// <list type="number">
/// <item>Between two blocks, hold all parts and the quarantine as they are by hard links: they are the log up to a segment. Ingest goes on.</item>
/// <item>See that nothing is missing that the last snapshot had and nobody dropped: what is lost here is kept there.</item>
/// <item>Have each part checked that isn't in the store, and create an object for it; and for the quarantine.</item>
/// <item>Wait until the log is archived up to there, so that the snapshot is on the archive's way.</item>
/// <item>List the store's objects, and find each that the snapshot needs.</item>
/// <item>Create the manifest: now there is a snapshot. Let go of the parts.</item>
/// </list>
/// </summary>
public sealed class Snapshotter(IObjectStore store, LogArchiver archiver, TableParts tables, SnapshotSource source, ILogger<Snapshotter> log)
{
    /// <summary>Retention may drop a day while the tables are frozen one after the other.</summary>
    private const int MaxFreezes = 3;

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    /// <summary>ClickHouse that can't store a block for so long isn't well.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private static readonly int s_writers = Math.Clamp(Environment.ProcessorCount, 2, 8);

    private readonly SnapshotCatalogue _catalogue = new(store);

    private string HeldQuarantine => Path.Combine(source.WalDirectory, "quarantine-held");

    /// <summary>Takes one.</summary>
    /// <param name="acceptsLoss">Whether it is taken though spans are missing that the last one had.</param>
    /// <param name="progress">Is told how far it is.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="IOException">Nothing is archived now, the store can't be reached, or the engine's disk fails: there is no snapshot.</exception>
    /// <exception cref="ClickHouseUnavailableException">Not now.</exception>
    public async Task<SnapshotManifest> TakeAsync(bool acceptsLoss, Action<SnapshotProgress> progress, CancellationToken cancellation)
    {
        ArchivedLog archived = await UntilArchivedAsync(0, cancellation).ConfigureAwait(false);
        SnapshotManifest? last = await FindLastAsync(cancellation).ConfigureAwait(false);
        Thaw();
        try
        {
            FrozenTables frozen = await FreezeAsync(archived, cancellation).ConfigureAwait(false); // 1
            if (!acceptsLoss && last is not null) CheckNothingIsLost(last, frozen); // 2
            ILookup<string, PackReference> known = (last?.Parts ?? []).ToLookup(part => part.Hash, part => part.Pack);
            Dictionary<FrozenPart, PackReference> packs = await PackAsync(frozen.Parts, known, progress, cancellation).ConfigureAwait(false); // 3
            PackReference? quarantine = frozen.HasQuarantine ? await PackAsync(HeldQuarantine, null, cancellation).ConfigureAwait(false) : null;
            archived = await UntilArchivedAsync(frozen.Id.Segment, cancellation).ConfigureAwait(false); // 4
            if (archived.Epoch.Number != frozen.Id.Epoch) throw new ArchiveNotOursException($"The archive in {store.Address} was taken by another writer while the snapshot was made.");
            var manifest = new SnapshotManifest(
                SnapshotManifest.NewestFormat,
                frozen.Id,
                archived.Lineage,
                archived.Epoch.Log,
                frozen.ReceivedThrough,
                archived.Frontier,
                await ReplayFromAsync(archived.Epoch, frozen.Id.Segment, last, cancellation).ConfigureAwait(false),
                new SnapshotVersions(source.Version, await tables.ReadEngineVersionAsync(cancellation).ConfigureAwait(false), SchemaMigration.All[^1].Number),
                Tables(frozen.Parts, packs),
                [.. frozen.Logs.Select(stored => new SnapshotLog(stored.Log, stored.First, stored.Last, stored.Spans))],
                quarantine,
                source.Settings,
                source.Secrets);
            await _catalogue.ProveAsync(manifest, cancellation).ConfigureAwait(false); // 5
            await _catalogue.CreateAsync(manifest, cancellation).ConfigureAwait(false); // 6
            return manifest;
        }
        finally
        {
            Thaw();
        }
    }

    /// <summary>Lets go of what this or a killed process has held.</summary>
    public void Thaw()
    {
        tables.Thaw();
        if (Directory.Exists(HeldQuarantine)) Directory.Delete(HeldQuarantine, recursive: true);
    }

    /// <summary>Whether anything is stored.</summary>
    public async Task<bool> HasAnythingAsync(CancellationToken cancellation) => (await tables.ReadAsync(cancellation).ConfigureAwait(false)).Any(part => part.Rows > 0);

    private async Task<SnapshotManifest?> FindLastAsync(CancellationToken cancellation)
    {
        IReadOnlyList<SnapshotEntry> there = await _catalogue.ListAsync(cancellation).ConfigureAwait(false);
        SnapshotId? newest = await source.FindLastAsync(there.Select(entry => entry.Id), cancellation).ConfigureAwait(false);
        try
        {
            return newest is null ? null : await _catalogue.ReadAsync(newest, cancellation).ConfigureAwait(false);
        }
        catch (ObjectDamagedException e)
        {
            log.LogWarning("The next snapshot can't build on the last one, and reads all parts again. {Cause}", e.Message);
            return null;
        }
    }

    private async Task<FrozenTables> FreezeAsync(ArchivedLog archived, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            string name = Guid.NewGuid().ToString("N");
            bool hasQuarantine = false;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(s_patience);
            (ulong segment, IReadOnlyList<FrozenPart> parts) = await WaitAsync(source.BetweenBlocksAsync(
                async through =>
                {
                    hasQuarantine = new Quarantine(source.WalDirectory).CopyTo(HeldQuarantine);
                    IReadOnlyList<FrozenPart> frozen = await tables.FreezeAsync(name, cancellation).ConfigureAwait(false);
                    await source.CheckEngineAsync(cancellation).ConfigureAwait(false); // a merge whose writes the disk refused isn't kept for good
                    return (through, frozen);
                },
                limit.Token), cancellation).ConfigureAwait(false);
            DateTimeOffset received = source.NewestReceived(); // before the time, which it isn't later than unless the clock was set back
            var id = SnapshotId.At(DateTimeOffset.UtcNow, archived.Epoch.Number, segment);
            if (segment + 1 < archived.Epoch.First) throw new IOException($"ClickHouse holds the log up to segment {segment}, and the archive begins with {archived.Epoch.First}: no snapshot is taken before they meet.");

            // What retention drops meanwhile is missing here
            IReadOnlyList<StoredLog> logs = await tables.ReadLogsAsync(archived.Epoch.Log, segment, cancellation).ConfigureAwait(false);
            long rows = parts.Where(frozen => frozen.Part.Table == SpanColumns.Spans.Name).Sum(frozen => frozen.Part.Rows);
            if (rows == logs.Sum(stored => stored.Spans)) return new FrozenTables(id, received, parts, logs, hasQuarantine);
            if (attempt == MaxFreezes) throw new IOException($"The parts of spans have {rows} rows, where {logs.Sum(stored => stored.Spans)} are stored up to segment {segment}: no snapshot of that is taken.");
            Thaw();
        }
    }

    private static async Task<T> WaitAsync<T>(Task<T> frozen, CancellationToken cancellation)
    {
        try
        {
            return await frozen.ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"ClickHouse has stored no block for {s_patience.TotalMinutes:F0} minutes, so no snapshot is taken. /readyz says what is wrong.", e);
        }
    }

    /// <summary>A disk that was lost or a table that was dropped leaves less than there was; the next snapshot would hide what the last one still has.</summary>
    private void CheckNothingIsLost(SnapshotManifest last, FrozenTables frozen)
    {
        Dictionary<string, long> there = frozen.Parts.Where(part => part.Part.Table == SpanColumns.Spans.Name).GroupBy(part => part.Part.Partition).ToDictionary(parts => parts.Key, parts => parts.Sum(part => part.Part.Rows));
        foreach (SnapshotPartition day in last.Tables.Where(table => table.Name == SpanColumns.Spans.Name).SelectMany(table => table.Partitions))
        {
            long rows = there.GetValueOrDefault(day.Id);
            if (rows >= day.Rows || source.WasDropped(day.Id)) continue;
            throw new IOException(
                $"Of {day.Id}, {rows} spans are stored, where snapshot {last.Id} has {day.Rows}: spans were lost, so no snapshot is taken that would hide it. Bring them back: tracestore restore into another directory. If they may go: tracestore snapshot create --accept-loss");
        }
    }

    private async Task<Dictionary<FrozenPart, PackReference>> PackAsync(
        IReadOnlyList<FrozenPart> parts, ILookup<string, PackReference> known, Action<SnapshotProgress> progress, CancellationToken cancellation)
    {
        StoredPacks there = await StoredPacks.ListAsync(store, cancellation).ConfigureAwait(false);
        var packs = new Dictionary<FrozenPart, PackReference>();
        var done = new SnapshotProgress(0, parts.Count);
        await Parallel.ForEachAsync(parts, new ParallelOptions { MaxDegreeOfParallelism = s_writers, CancellationToken = cancellation }, async (part, token) =>
        {
            PackReference pack = known[part.Part.Hash].FirstOrDefault(there.Has) ?? await PackAsync(part.Folder, part.Part, token).ConfigureAwait(false);
            Directory.Delete(part.Folder, recursive: true); // it holds disk, and a snapshot may take hours
            lock (packs)
            {
                packs.Add(part, pack);
                done = done with { Parts = done.Parts + 1 };
                progress(done);
            }
        }).ConfigureAwait(false);
        return packs;
    }

    /// <summary>Named by what it is, one that is there already is the same; but for one that was cut, or was found damaged: it is made anew.</summary>
    /// <param name="folder">The files.</param>
    /// <param name="part">The part that they are; null for what is none.</param>
    /// <param name="cancellation">Gives up.</param>
    private async Task<PackReference> PackAsync(string folder, TablePart? part, CancellationToken cancellation)
    {
        if (part is not null && await tables.CheckAsync(part, cancellation).ConfigureAwait(false) is { } damage) throw new IOException($"Part {part.Name} of {part.Table} is damaged on this disk ({damage}): no snapshot of it is taken. Check the disk, and bring the part back: tracestore restore into another directory.");
        FolderPack pack = await FolderPack.OfAsync(folder, cancellation).ConfigureAwait(false);
        (string name, string condemned) = (SnapshotNames.Pack(pack.Name), SnapshotNames.Condemned(pack.Name));
        if (await store.CreateAsync(name, pack.Content, cancellation).ConfigureAwait(false)) return new PackReference(pack.Name, pack.Content.Length);
        bool isRight = await store.FindAsync(condemned, cancellation).ConfigureAwait(false) is null && (await store.FindAsync(name, cancellation).ConfigureAwait(false))?.Length == pack.Content.Length;
        if (!isRight)
        {
            log.LogWarning("{Name} in {Store} was damaged, and is made anew.", name, store.Address);
            await store.DeleteAsync(name, cancellation).ConfigureAwait(false);
            await store.CreateAsync(name, pack.Content, cancellation).ConfigureAwait(false);
            await store.DeleteAsync(condemned, cancellation).ConfigureAwait(false);
        }

        return new PackReference(pack.Name, pack.Content.Length);
    }

    /// <summary>Where the archiver is, once it is so far.</summary>
    private async Task<ArchivedLog> UntilArchivedAsync(ulong segment, CancellationToken cancellation)
    {
        while (true)
        {
            if (archiver.Ailment is { } ailment) throw new IOException($"Nothing is archived now, so no snapshot is taken. {ailment}");
            if (archiver.Archived is { } archived && archived.Frontier.Segment >= segment) return archived;
            await Task.Delay(s_poll, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The last group of the archive that begins no later than the segment behind the snapshot.</summary>
    private Task<ulong> ReplayFromAsync(ArchiveEpoch epoch, ulong segment, SnapshotManifest? last, CancellationToken cancellation) =>
        new LogArchiveReader(store).FindGroupAsync(epoch.Number, last is not null && last.Id.Epoch == epoch.Number ? last.ReplayFrom : epoch.First, segment + 1, cancellation);

    private static IReadOnlyList<SnapshotTable> Tables(IReadOnlyList<FrozenPart> frozen, Dictionary<FrozenPart, PackReference> packs) =>
    [
        .. from table in SpanColumns.Tables
           let partitions = from part in frozen
                            where part.Part.Table == table.Name
                            group new SnapshotPart(part.Part.Name, part.Part.Rows, part.Part.Hash, packs[part]) by part.Part.Partition into parts
                            orderby parts.Key
                            select new SnapshotPartition(parts.Key, parts.Sum(part => part.Rows), ContentSum.Of(parts.Select(part => part.Hash)), [.. parts])
           select new SnapshotTable(table.Name, [.. partitions]),
    ];

    private sealed record FrozenTables(SnapshotId Id, DateTimeOffset ReceivedThrough, IReadOnlyList<FrozenPart> Parts, IReadOnlyList<StoredLog> Logs, bool HasQuarantine);
}
