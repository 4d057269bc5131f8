using Microsoft.Extensions.Logging;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Storage.Restore;

/// <summary>
/// Brings a snapshot's parts back into an engine that is empty, or in which this was begun, and that doesn't merge meanwhile. Beside them may be what
/// is received meanwhile.
/// <list type="number">
/// <item>Make the tables as they were when it was taken.</item>
/// <item>See which parts are there. Each that is missing, what spans refer to first and then the newest spans: unpack it beside, held against its name; move it to where the table takes it from, and
/// have it taken.</item>
/// <item>Hold every partition's rows and hash against the manifest.</item>
/// </list>
/// </summary>
/// <param name="store">The archive's.</param>
/// <param name="database">The engine.</param>
/// <param name="tables">Its tables.</param>
/// <param name="scratch">A folder on the same disk, for parts on the way.</param>
/// <param name="isAlone">Whether nothing else is stored meanwhile.</param>
/// <param name="log">Tells.</param>
public sealed class SnapshotParts(IObjectStore store, ClickHouseDatabase database, TableParts tables, string scratch, bool isAlone, ILogger log)
{
    private static readonly int s_readers = Math.Clamp(Environment.ProcessorCount, 2, 8);

    private readonly SnapshotCatalogue _catalogue = new(store);

    /// <param name="manifest">The snapshot.</param>
    /// <param name="progress">Is told bytes of objects that are back, each once.</param>
    /// <param name="cancellation">Gives up; the next one goes on.</param>
    /// <exception cref="RestoreRefusedException">This TraceStore or its engine is older than the snapshot.</exception>
    /// <exception cref="ObjectDamagedException">An object isn't what it was.</exception>
    /// <exception cref="IOException">What is there in the end isn't what the manifest says.</exception>
    public async Task BringBackAsync(SnapshotManifest manifest, Action<long> progress, CancellationToken cancellation)
    {
        CheckSchema(manifest);
        if (isAlone) await new SchemaMigrator(database, log) { Newest = manifest.Versions.Schema }.MigrateAsync(cancellation).ConfigureAwait(false); // 1
        await CheckEngineAsync(manifest, cancellation).ConfigureAwait(false);
        IReadOnlyDictionary<string, string> detached = await tables.ReadDetachedFoldersAsync(cancellation).ConfigureAwait(false);
        string[] unknown = [.. manifest.Tables.Select(table => table.Name).Where(table => !detached.ContainsKey(table))];
        if (unknown.Length > 0) throw new RestoreRefusedException($"Snapshot {manifest.Id} has the table {string.Join(", ", unknown)}, which this TraceStore doesn't have: restore with TraceStore {manifest.Versions.TraceStore}.");
        DeleteUnfinished(manifest, detached);
        if (Directory.Exists(scratch)) Directory.Delete(scratch, recursive: true);

        IReadOnlyList<(string Table, SnapshotPart Part)> missing = await MissingAsync(manifest, progress, cancellation).ConfigureAwait(false); // 2
        await Parallel.ForEachAsync(missing, new ParallelOptions { MaxDegreeOfParallelism = s_readers, CancellationToken = cancellation }, async (item, token) =>
        {
            string beside = Path.Combine(scratch, item.Table, item.Part.Name), target = Path.Combine(detached[item.Table], item.Part.Name);
            await _catalogue.UnpackAsync(item.Part.Pack, beside, progress: null, token).ConfigureAwait(false);
            Directory.CreateDirectory(detached[item.Table]);
            Directory.Move(beside, target);
            await tables.AttachAsync(item.Table, item.Part.Name, token).ConfigureAwait(false);
            progress(item.Part.Pack.Bytes);
        }).ConfigureAwait(false);
        await VerifyAsync(manifest, cancellation).ConfigureAwait(false); // 3
        if (Directory.Exists(scratch)) Directory.Delete(scratch, recursive: true);
    }

    /// <exception cref="RestoreRefusedException">This TraceStore is older than the snapshot.</exception>
    public static void CheckSchema(SnapshotManifest manifest)
    {
        int schema = SchemaMigration.All[^1].Number;
        if (manifest.Versions.Schema > schema) throw new RestoreRefusedException($"Snapshot {manifest.Id} has schema {manifest.Versions.Schema}, this TraceStore knows {schema}: restore with TraceStore {manifest.Versions.TraceStore} or a newer one.");
    }

    private async Task CheckEngineAsync(SnapshotManifest manifest, CancellationToken cancellation)
    {
        string engine = await database.ReadVersionAsync(cancellation).ConfigureAwait(false);
        bool isNewer = Version.TryParse(manifest.Versions.Engine, out Version? written) && Version.TryParse(engine, out Version? ours) && (written.Major, written.Minor).CompareTo((ours.Major, ours.Minor)) > 0;
        if (isNewer) throw new RestoreRefusedException($"Snapshot {manifest.Id} was written by ClickHouse {manifest.Versions.Engine}, this one is {engine}, which may not read it: restore with TraceStore {manifest.Versions.TraceStore} or a newer one.");
    }

    /// <summary>Parts that aren't there: one that is has the same hash, whatever it is called.</summary>
    private async Task<IReadOnlyList<(string Table, SnapshotPart Part)>> MissingAsync(SnapshotManifest manifest, Action<long> progress, CancellationToken cancellation)
    {
        var there = (await tables.ReadAsync(cancellation).ConfigureAwait(false)).CountBy(part => (part.Table, part.Hash)).ToDictionary();
        List<(string, SnapshotPart)> missing = [];
        foreach ((string table, SnapshotPart part) in InOrder(manifest))
        {
            if (there.GetValueOrDefault((table, part.Hash)) is > 0 and int count)
            {
                there[(table, part.Hash)] = count - 1;
                progress(part.Pack.Bytes);
            }
            else missing.Add((table, part));
        }

        return missing;
    }

    /// <summary>What spans refer to, which is little; then the spans, newest first.</summary>
    private static IEnumerable<(string Table, SnapshotPart Part)> InOrder(SnapshotManifest manifest) =>
        from table in manifest.Tables.OrderBy(table => table.Name == SpanColumns.Spans.Name)
        from partition in table.Partitions.OrderByDescending(partition => partition.Id, StringComparer.Ordinal)
        from part in partition.Parts.OrderByDescending(part => FirstBlock(part.Name))
        select (table.Name, part);

    /// <summary>Parts' names are of the partition, the first and last block, and how often they were merged.</summary>
    private static long FirstBlock(string part) => part.Split('_') is { Length: > 1 } words && long.TryParse(words[1], out long block) ? block : 0;

    /// <summary>What a killed restore had put where ClickHouse takes it from. What ClickHouse has set aside there stays.</summary>
    private static void DeleteUnfinished(SnapshotManifest manifest, IReadOnlyDictionary<string, string> detached)
    {
        foreach ((string table, SnapshotPart part) in InOrder(manifest).Where(item => detached.ContainsKey(item.Table)))
        {
            foreach (string name in new[] { part.Name, "attaching_" + part.Name })
            {
                string left = Path.Combine(detached[table], Path.GetFileName(name));
                if (Directory.Exists(left)) Directory.Delete(left, recursive: true);
            }
        }
    }

    private async Task VerifyAsync(SnapshotManifest manifest, CancellationToken cancellation)
    {
        IReadOnlyList<TablePart> found = await tables.ReadAsync(cancellation).ConfigureAwait(false);
        if (isAlone) VerifyPartitions(manifest, found);
        else VerifyParts(manifest, found);
        if (manifest.Logs.Count == 0 && manifest.Spans > 0) return; // of a day, not of segments
        HashSet<ulong> logs = [.. manifest.Logs.Select(log => log.Log)];
        IEnumerable<(ulong, ulong, ulong, long)> stored = from log in await StoredContent.ReadLogsAsync(database, manifest.Log, manifest.Id.Segment, cancellation).ConfigureAwait(false)
                                                          where isAlone || logs.Contains(log.Log)
                                                          select (log.Log, log.First, log.Last, log.Spans);
        if (!stored.SequenceEqual(manifest.Logs.Select(log => (log.Log, log.First, log.Last, log.Spans)))) throw new IOException($"The spans are of other segments than snapshot {manifest.Id} says: the restore isn't right.");
    }

    private static void VerifyPartitions(SnapshotManifest manifest, IReadOnlyList<TablePart> found)
    {
        Dictionary<(string, string), (long Rows, string Hash)> there = found.GroupBy(part => (part.Table, part.Partition))
            .ToDictionary(parts => parts.Key, parts => (parts.Sum(part => part.Rows), ContentSum.Of(parts.Select(part => part.Hash))));
        foreach (SnapshotTable table in manifest.Tables)
        {
            foreach (SnapshotPartition partition in table.Partitions)
            {
                (long rows, string? hash) = there.GetValueOrDefault((table.Name, partition.Id));
                there.Remove((table.Name, partition.Id));
                if (rows != partition.Rows || hash != partition.Hash) throw new IOException($"Partition {partition.Id} of {table.Name} has {rows} rows and hash {hash ?? "none"}, where snapshot {manifest.Id} says {partition.Rows} rows and {partition.Hash}: the restore isn't whole.");
            }
        }

        if (there.Count > 0) throw new IOException($"There is a partition {there.Keys.First().Item2} of {there.Keys.First().Item1}, which snapshot {manifest.Id} doesn't have: the restore isn't right.");
    }

    /// <summary>Beside them there may be others, also with the same content: what spans refer to comes again and again.</summary>
    private static void VerifyParts(SnapshotManifest manifest, IReadOnlyList<TablePart> found)
    {
        var there = found.CountBy(part => (part.Table, part.Hash, part.Rows)).ToDictionary();
        foreach (((string Table, string Hash, long Rows) part, int count) in InOrder(manifest).CountBy(item => (item.Table, item.Part.Hash, item.Part.Rows)))
        {
            if (there.GetValueOrDefault(part) < count) throw new IOException($"A part of {part.Table} with {part.Rows} rows and hash {part.Hash}, which snapshot {manifest.Id} has, isn't there: the restore isn't whole.");
        }
    }
}
