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
        if (instant is not null && head.Epochs.Any(epoch => stored.ContainsKey(epoch.Log))) throw new RestoreRefusedException("ClickHouse:Url holds spans of this archive, of before and behind the instant. To look at the past beside it: --into DIR. To go back for good: into a ClickHouse that has none, or another database (ClickHouse:Database).");
        if (stored.Count == 0 && await BringBackupBackAsync(plan, cancellation).ConfigureAwait(false))
        {
            await MigrateAsync(cancellation).ConfigureAwait(false); // what was backed up may be of an older schema
            stored = await StoredLogs.ReadAsync(database, cancellation).ConfigureAwait(false);
        }

        // A log was begun when all of those before it was stored
        int newest = plan.Stretches.Index().LastOrDefault(stretch => stored.ContainsKey(stretch.Item.Epoch.Log), (-1, null!)).Index;
        List<RestoreStretch> stretches = [];
        foreach ((int at, RestoreStretch stretch) in plan.Stretches.Index())
        {
            ulong? kept = head.FirstGroup(stretch.Epoch);
            ulong through = stored.GetValueOrDefault(stretch.Epoch.Log, stretch.Epoch.First - 1);
            bool isReached = kept <= through + 1;
            if (!isReached && at >= newest && !acceptsHoles) throw new RestoreRefusedException($"ClickHouse has the log of epoch {stretch.Epoch.Number} up to segment {through}, and the archive keeps it from segment {(kept is null ? "none" : $"{kept}")} on: what is between is in neither. Bring a newer backup of ClickHouse back; or restore what there is, with --accept-holes.");
            if (kept is not { } first) continue;
            stretches.Add(stored.ContainsKey(stretch.Epoch.Log) || !isReached
                ? await StoredLogs.BehindAsync(store, stretch, first, Math.Max(through, first - 1), GroupsAgain, cancellation).ConfigureAwait(false)
                : stretch);
        }

        return plan with { Stretches = stretches };
    }

    private Task<bool> MigrateAsync(CancellationToken cancellation) => new SchemaMigrator(database, log).MigrateAsync(cancellation);

    /// <summary>False where there is none on the plan's way.</summary>
    private async Task<bool> BringBackupBackAsync(RestorePlan plan, CancellationToken cancellation)
    {
        var catalogue = new SnapshotCatalogue(store);
        HashSet<SnapshotId> left = [.. (await catalogue.ListAsync(cancellation).ConfigureAwait(false)).Select(entry => entry.Id)];
        while (plan.Choose(left) is { } id)
        {
            SnapshotManifest manifest = await catalogue.ReadAsync(id, cancellation).ConfigureAwait(false);
            if (manifest.Backup is { } backup)
            {
                if (destination is null) throw new RestoreRefusedException($"Snapshot {id} is a backup that ClickHouse has made in {backup.Destination}. Say how ClickHouse reaches it, with Archive:ClickHouseBackup.");
                Console.WriteLine($"ClickHouse brings its backup {backup.Name} back from {destination}.");
                await new ClickHouseBackup(database, destination).BringBackAsync(backup.Name, cancellation).ConfigureAwait(false);
                return true;
            }

            left.Remove(id); // of an embedded engine
        }

        return false;
    }
}
