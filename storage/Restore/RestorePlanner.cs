using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Storage.Restore;

/// <summary>Reads what a plan is made of: the archive's head, a list of its snapshots, and one manifest.</summary>
public static class RestorePlanner
{
    /// <summary>Plans to be where the archive was at an instant, by way of the newest snapshot that can be read.</summary>
    /// <param name="store">The archive's.</param>
    /// <param name="instant">When; null for the newest that there is.</param>
    /// <param name="mayUse">Which snapshots it may lead by.</param>
    /// <param name="warn">Is told of snapshots that can't be used.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="RestoreRefusedException">There is no archive, or it doesn't reach there.</exception>
    public static async Task<RestorePlan> PlanAsync(IObjectStore store, DateTimeOffset? instant, Func<SnapshotId, bool> mayUse, Action<string> warn, CancellationToken cancellation)
    {
        ArchiveHead head = await HeadAsync(store, cancellation).ConfigureAwait(false);
        RestorePlan plan = RestorePlan.Of(head, instant);
        var catalogue = new SnapshotCatalogue(store);
        HashSet<SnapshotId> left = [.. (await catalogue.ListAsync(cancellation).ConfigureAwait(false)).Select(entry => entry.Id).Where(mayUse)];
        while (plan.Choose(left) is { } id)
        {
            try
            {
                SnapshotManifest manifest = await catalogue.ReadAsync(id, cancellation).ConfigureAwait(false);
                CheckIsOfParts(manifest);
                RestorePlan byWayOf = plan.From(manifest);
                await catalogue.ProveAsync(manifest, cancellation).ConfigureAwait(false);
                byWayOf.CheckKept(head);
                return byWayOf;
            }
            catch (Exception e) when (e is ObjectDamagedException or FileNotFoundException or RestoreRefusedException)
            {
                warn($"{e.Message} An earlier one is used, and more of the log is replayed.");
                left.Remove(id);
            }
        }

        plan.CheckKept(head);
        return plan;
    }

    /// <summary>The same, by way of whichever snapshot is best.</summary>
    /// <exception cref="RestoreRefusedException">There is no archive, or it doesn't reach there.</exception>
    public static Task<RestorePlan> PlanAsync(IObjectStore store, DateTimeOffset? instant, Action<string> warn, CancellationToken cancellation) => PlanAsync(store, instant, _ => true, warn, cancellation);

    /// <summary>Plans to have what is in a snapshot.</summary>
    /// <exception cref="RestoreRefusedException">There is no archive, or the snapshot isn't of it.</exception>
    /// <exception cref="FileNotFoundException">There is no such snapshot.</exception>
    public static async Task<RestorePlan> PlanAsync(IObjectStore store, SnapshotId snapshot, CancellationToken cancellation)
    {
        ArchiveHead head = await HeadAsync(store, cancellation).ConfigureAwait(false);
        SnapshotManifest manifest = await new SnapshotCatalogue(store).ReadAsync(snapshot, cancellation).ConfigureAwait(false);
        CheckIsOfParts(manifest);
        return RestorePlan.OfSnapshot(head, manifest);
    }

    /// <summary>Of a plan, only what was received on a day.</summary>
    public static async Task<RestorePlan> NarrowAsync(IObjectStore store, RestorePlan plan, DateOnly day, CancellationToken cancellation) =>
        plan.Of(day, plan.Snapshot is null ? null : await new SnapshotCatalogue(store).ReadAsync(plan.Snapshot.Id, cancellation).ConfigureAwait(false));

    /// <summary>Plans to read the log alone, as far as it is kept.</summary>
    /// <exception cref="RestoreRefusedException">There is no archive, or it doesn't reach there.</exception>
    public static async Task<RestorePlan> PlanLogAsync(IObjectStore store, CancellationToken cancellation)
    {
        ArchiveHead head = await HeadAsync(store, cancellation).ConfigureAwait(false);
        return RestorePlan.Of(head, instant: null).OfWhatIsKept(head);
    }

    /// <summary>The archive's head.</summary>
    /// <exception cref="RestoreRefusedException">There is no archive.</exception>
    public static async Task<ArchiveHead> HeadAsync(IObjectStore store, CancellationToken cancellation)
    {
        StoredObject head = await store.GetAsync(ArchiveNames.Head, cancellation).ConfigureAwait(false) ?? throw new RestoreRefusedException($"There is no archive in {store.Address}: {ArchiveNames.Head} is missing.");
        return ArchiveHead.Decode(store, head.Content.Span);
    }

    private static void CheckIsOfParts(SnapshotManifest manifest)
    {
        if (manifest.Backup is { } backup) throw new RestoreRefusedException($"Snapshot {manifest.Id} is a backup that ClickHouse has made in {backup.Destination}: it is brought back into an external ClickHouse (ClickHouse:Url).");
    }
}
