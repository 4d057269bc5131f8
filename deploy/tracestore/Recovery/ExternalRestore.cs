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
/// <param name="log">Tells.</param>
internal sealed class ExternalRestore(IObjectStore store, ClickHouseDatabase database, BackupDestination? destination, ILogger log)
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
        bool isAny = plan.Stretches.Any(stretch => stored.ContainsKey(stretch.Epoch.Log));
        if (isAny && instant is not null) throw new RestoreRefusedException("ClickHouse:Url holds spans of this archive, of before and behind the instant. To look at the past beside it: --into DIR. To go back for good: into a ClickHouse that has none, or another database (ClickHouse:Database).");
        if (stored.Count == 0 && await BringBackupBackAsync(plan, cancellation).ConfigureAwait(false))
        {
            await MigrateAsync(cancellation).ConfigureAwait(false); // what was backed up may be of an older schema
            stored = await StoredLogs.ReadAsync(database, cancellation).ConfigureAwait(false);
            isAny = true;
        }

        // Where anything is stored, what isn't kept of the log before it was stored before it.
        plan = isAny ? plan.OfWhatIsKept(head) : plan;
        List<RestoreStretch> stretches = [];
        foreach (RestoreStretch stretch in plan.Stretches)
        {
            bool isBegun = stored.TryGetValue(stretch.Epoch.Log, out ulong through);
            stretches.Add(isBegun ? await StoredLogs.BehindAsync(store, stretch, head.FirstGroup(stretch.Epoch) ?? stretch.Epoch.First, through, GroupsAgain, cancellation).ConfigureAwait(false) : stretch);
        }

        plan = plan with { Stretches = stretches };
        if (!isAny) plan.CheckKept(head);
        return plan;
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
