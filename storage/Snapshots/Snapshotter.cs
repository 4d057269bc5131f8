using Microsoft.Extensions.Logging;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Snapshots;

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
public sealed class Snapshotter(IObjectStore store, LogArchiver archiver, TableParts tables, SnapshotSource source, ILogger<Snapshotter> log) : ISnapshotter
{
    /// <summary>Retention may drop a day while the tables are frozen one after the other.</summary>
    private const int MaxFreezes = 3;

    private static readonly int s_writers = Math.Clamp(Environment.ProcessorCount, 2, 8);

    private readonly SnapshotCatalogue _catalogue = new(store);
    private readonly HeldQuarantine _quarantine = new(source.WalDirectory);
    private readonly PackWriter _packs = new(store, log);
    private readonly SnapshotAnchor _anchor = new(store, archiver, source, log);

    public TimeSpan LastHold => _anchor.LastHold;

    public async Task<SnapshotManifest> TakeAsync(bool acceptsLoss, Action<SnapshotProgress> progress, CancellationToken cancellation)
    {
        ArchivedLog archived = await _anchor.UntilArchivedAsync(0, cancellation).ConfigureAwait(false);
        SnapshotManifest? last = await _anchor.FindLastAsync(cancellation).ConfigureAwait(false);
        Thaw();
        try
        {
            FrozenTables frozen = await FreezeAsync(archived, cancellation).ConfigureAwait(false); // 1
            if (!acceptsLoss && last is not null) _anchor.CheckNothingIsLost(last, frozen.RowsByDay()); // 2
            ILookup<string, PackReference> known = (last?.Parts ?? []).ToLookup(part => part.Hash, part => part.Pack);
            Dictionary<FrozenPart, PackReference> packs = await PackAsync(frozen.Parts, known, progress, cancellation).ConfigureAwait(false); // 3
            PackReference? quarantine = await _quarantine.PackAsync(_packs, cancellation).ConfigureAwait(false);
            SnapshotManifest described = await _anchor.DescribeAsync(frozen.Id, frozen.ReceivedThrough, last, tables.Database, cancellation).ConfigureAwait(false); // 4
            SnapshotManifest manifest = described with { Tables = Tables(frozen.Parts, packs), Logs = frozen.Logs, Quarantine = quarantine };
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
        _quarantine.LetGo();
    }

    public async Task<bool> HasAnythingAsync(CancellationToken cancellation) => (await tables.ReadAsync(cancellation).ConfigureAwait(false)).Any(part => part.Rows > 0);

    private async Task<FrozenTables> FreezeAsync(ArchivedLog archived, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            string name = Guid.NewGuid().ToString("N");
            (ulong segment, IReadOnlyList<FrozenPart> parts) = await _anchor.BetweenBlocksAsync(
                async () =>
                {
                    _quarantine.Hold();
                    IReadOnlyList<FrozenPart> frozen = await tables.FreezeAsync(name, cancellation).ConfigureAwait(false);
                    await source.CheckEngineAsync(cancellation).ConfigureAwait(false); // a merge whose writes the disk refused isn't kept for good
                    return frozen;
                },
                cancellation).ConfigureAwait(false);
            DateTimeOffset received = source.NewestReceived(); // before the time, which it isn't later than unless the clock was set back
            var id = SnapshotId.At(DateTimeOffset.UtcNow, archived.Epoch.Number, segment);
            SnapshotAnchor.CheckMeets(archived, segment);

            // What retention drops meanwhile is missing here
            IReadOnlyList<StoredLog> stored = await StoredContent.ReadLogsAsync(tables.Database, archived.Epoch.Log, segment, cancellation).ConfigureAwait(false);
            long rows = parts.Where(frozen => frozen.Part.Table == SpanColumns.Spans.Name).Sum(frozen => frozen.Part.Rows);
            if (rows == stored.Sum(log => log.Spans)) return new FrozenTables(id, received, parts, SnapshotLog.Of(stored));
            if (attempt == MaxFreezes) throw new IOException($"The parts of spans have {rows} rows, where {stored.Sum(log => log.Spans)} are stored up to segment {segment}: no snapshot of that is taken.");
            Thaw();
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
            PackReference pack = known[part.Part.Hash].FirstOrDefault(there.Has) ?? await PackAsync(part, token).ConfigureAwait(false);
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

    private async Task<PackReference> PackAsync(FrozenPart frozen, CancellationToken cancellation)
    {
        TablePart part = frozen.Part;
        if (await tables.CheckAsync(part, cancellation).ConfigureAwait(false) is { } damage) throw new IOException($"Part {part.Name} of {part.Table} is damaged on this disk ({damage}): no snapshot of it is taken. Check the disk, and bring the part back: tracestore restore into another directory.");
        return await _packs.WriteAsync(frozen.Folder, cancellation).ConfigureAwait(false);
    }

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

    private sealed record FrozenTables(SnapshotId Id, DateTimeOffset ReceivedThrough, IReadOnlyList<FrozenPart> Parts, IReadOnlyList<SnapshotLog> Logs)
    {
        public Dictionary<string, long> RowsByDay() =>
            Parts.Where(part => part.Part.Table == SpanColumns.Spans.Name).GroupBy(part => part.Part.Partition).ToDictionary(parts => parts.Key, parts => parts.Sum(part => part.Part.Rows));
    }
}
