using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Recovery;

/// <summary>
/// Restores into an external ClickHouse: what it hasn't got is replayed, whether it lives, was brought back from a backup of its own, or is empty.
/// An empty one brings back the backup of the newest snapshot first.
/// </summary>
/// <param name="store">The archive's.</param>
/// <param name="database">ClickHouse.</param>
/// <param name="destination">Where it backs itself up to; null for nowhere.</param>
/// <param name="acceptsHoles">Whether to go on where segments are lost.</param>
/// <param name="log">Tells.</param>
internal sealed class ExternalRestore(IObjectStore store, ClickHouseDatabase database, BackupDestination? destination, bool acceptsHoles, ILogger log)
{
    /// <summary>A backup takes one table after the other: what the last spans in it refer to may be missing, and is stored again.</summary>
    private const int GroupsAgain = 120;

    /// <summary>Of what is archived, plans what isn't stored. ClickHouse's tables are made, brought back, or brought up to date.</summary>
    /// <exception cref="RestoreRefusedException">An instant is asked for, and ClickHouse holds what came later; or what is missing isn't kept.</exception>
    public async Task<RestorePlan> PlanAsync(DateTimeOffset? instant, CancellationToken cancellation)
    {
        await MigrateAsync(cancellation).ConfigureAwait(false);
        ArchiveHead head = await RestorePlanner.HeadAsync(store, cancellation).ConfigureAwait(false);
        RestorePlan plan = RestorePlan.Of(head, instant);
        IReadOnlyDictionary<ulong, ulong> stored = await StoredLogs.ReadAsync(database, cancellation).ConfigureAwait(false);
        if (instant is not null && head.Epochs.Any(epoch => stored.ContainsKey(epoch.Log))) throw new RestoreRefusedException($"ClickHouse:Url holds spans of this archive, of before and behind the instant. To look at the past beside it: --into DIR. To go back for good: into a ClickHouse that has none, or another database (ClickHouse:Database). Where they are only of a restore that was broken off: DROP DATABASE {database.Name} SYNC, and restore again.");
        if (stored.Count == 0 && await BringBackupBackAsync(plan, cancellation).ConfigureAwait(false))
        {
            await MigrateAsync(cancellation).ConfigureAwait(false); // what was backed up may be of an older schema
            stored = await StoredLogs.ReadAsync(database, cancellation).ConfigureAwait(false);
        }

        // A log was begun when all of those before it was stored; the newest snapshot knows how far each had spans
        int newest = plan.Stretches.Index().LastOrDefault(stretch => stored.ContainsKey(stretch.Item.Epoch.Log), (-1, null!)).Index;
        SnapshotManifest? last = await ManifestsAsync(plan, cancellation).FirstOrDefaultAsync(cancellation).ConfigureAwait(false);
        List<RestoreStretch> stretches = [];
        foreach ((int at, RestoreStretch stretch) in plan.Stretches.Index())
        {
            ulong? kept = head.FirstGroup(stretch.Epoch);
            bool isStored = stored.TryGetValue(stretch.Epoch.Log, out ulong inLog);
            ulong through = Math.Max(inLog, stretch.Epoch.First - 1); // a log that was away and came back has several epochs
            bool isReached = kept <= through + 1;
            bool hadMore = last is null ? at >= newest : (isStored || at >= newest) && last.Logs.Any(had => had.Log == stretch.Epoch.Log && had.Last > through);
            if (!isReached && hadMore && !acceptsHoles) throw new RestoreRefusedException($"ClickHouse has the log of epoch {stretch.Epoch.Number} up to segment {through}, and the archive keeps it from segment {(kept is null ? "none" : $"{kept}")} on: what is between is in neither. Bring a newer backup of ClickHouse back; or restore what there is, with --accept-holes.");
            if (kept is not { } first) continue;
            stretches.Add(isStored || !isReached
                ? await StoredLogs.BehindAsync(store, stretch, first, Math.Max(through, first - 1), GroupsAgain, cancellation).ConfigureAwait(false)
                : stretch);
        }

        return plan with { Stretches = stretches };
    }

    private Task<bool> MigrateAsync(CancellationToken cancellation) => new SchemaMigrator(database, log).MigrateAsync(cancellation);

    /// <summary>Of the snapshots on the plan's way, those that can be read, newest first.</summary>
    private async IAsyncEnumerable<SnapshotManifest> ManifestsAsync(RestorePlan plan, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var catalogue = new SnapshotCatalogue(store);
        HashSet<SnapshotId> left = [.. (await catalogue.ListAsync(cancellation).ConfigureAwait(false)).Select(entry => entry.Id)];
        while (plan.Choose(left) is { } id)
        {
            left.Remove(id);
            SnapshotManifest? manifest = null;
            try
            {
                manifest = await catalogue.ReadAsync(id, cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (e is ObjectDamagedException or FileNotFoundException)
            {
                log.LogWarning("{Cause}", e.Message);
            }

            if (manifest is not null) yield return manifest;
        }
    }

    /// <summary>False where there is none on the plan's way.</summary>
    private async Task<bool> BringBackupBackAsync(RestorePlan plan, CancellationToken cancellation)
    {
        await foreach (SnapshotManifest manifest in ManifestsAsync(plan, cancellation).ConfigureAwait(false))
        {
            try
            {
                if (await BringBackupBackAsync(plan, manifest, cancellation).ConfigureAwait(false)) return true;
            }
            catch (ClickHouseRefusedException e)
            {
                log.LogWarning("{Cause} An earlier backup is used, and more of the log is replayed.", e.Message);
            }
        }

        return false;
    }

    /// <summary>False where it can't lead there: it is of an embedded engine, or may hold what came behind the instant.</summary>
    private async Task<bool> BringBackupBackAsync(RestorePlan plan, SnapshotManifest manifest, CancellationToken cancellation)
    {
        if (manifest.Backup is not { } backup || plan.Stretches.Any(stretch => stretch.Epoch.Number == manifest.Id.Epoch && stretch.Until < manifest.ReceivedThrough)) return false;
        if (destination is null) throw new RestoreRefusedException($"Snapshot {manifest.Id} is a backup that ClickHouse has made in {backup.Destination}. Say how ClickHouse reaches it, with Archive:ClickHouseBackup.");
        SnapshotParts.CheckSchema(manifest);
        Console.WriteLine($"ClickHouse brings its backup {backup.Name} back from {destination}.");
        await new ClickHouseBackup(database, destination).BringBackAsync(backup.Name, manifest.Tables.Select(table => table.Name), cancellation).ConfigureAwait(false);
        return true;
    }
}
