using Microsoft.Extensions.Logging;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Storage.Retention;

/// <summary>What a look at an archive has found, to plan retention by.</summary>
/// <param name="Head">The archive's head.</param>
/// <param name="Snapshots">Snapshots that can be relied on: their manifests can be read, and all their objects are there.</param>
/// <param name="Named">Objects that a manifest names.</param>
/// <param name="Packs">Objects that are there.</param>
/// <param name="Incomplete">Snapshots that can't be relied on, for objects of theirs are missing or damaged.</param>
/// <param name="Damaged">What can't be relied on, and why.</param>
/// <param name="IsAllNamed">Whether every manifest could be read, so that an object that none names is nobody's.</param>
public sealed record ArchiveInventory(
    ArchiveHead Head, IReadOnlyList<StoredSnapshot> Snapshots, IReadOnlySet<string> Named, IReadOnlyCollection<string> Packs, IReadOnlyList<StoredSnapshot> Incomplete, IReadOnlyList<string> Damaged, bool IsAllNamed)
{
    /// <exception cref="RestoreRefusedException">There is no archive.</exception>
    /// <exception cref="ObjectStoreException">The store can't be reached.</exception>
    public static async Task<ArchiveInventory> TakeAsync(IObjectStore store, CancellationToken cancellation)
    {
        StoredObject head = await store.GetAsync(ArchiveNames.Head, cancellation).ConfigureAwait(false) ?? throw new RestoreRefusedException($"There is no archive in {store.Address}: {ArchiveNames.Head} is missing.");
        StoredPacks there = await StoredPacks.ListAsync(store, cancellation).ConfigureAwait(false);
        var catalogue = new SnapshotCatalogue(store);
        (List<StoredSnapshot> snapshots, List<StoredSnapshot> incomplete, HashSet<string> named, List<string> damaged, bool isAllNamed) = ([], [], [], [], true);
        foreach (SnapshotEntry entry in await catalogue.ListAsync(cancellation).ConfigureAwait(false))
        {
            try
            {
                SnapshotManifest manifest = await catalogue.ReadAsync(entry.Id, cancellation).ConfigureAwait(false);
                named.UnionWith(manifest.Packs.Select(pack => SnapshotNames.Pack(pack.Name)));
                PackReference? missing = manifest.Packs.FirstOrDefault(pack => !there.Has(pack));
                (missing is null ? snapshots : incomplete).Add(new StoredSnapshot(entry, manifest));
                if (missing is not null) damaged.Add($"Snapshot {entry.Id} needs {SnapshotNames.Pack(missing.Name)}, which is missing in {store.Address}, has another length, or was found damaged.");
            }
            catch (Exception e) when (e is ObjectDamagedException or FileNotFoundException)
            {
                damaged.Add(e.Message);
                isAllNamed = false;
            }
        }

        return new ArchiveInventory(ArchiveHead.Decode(store, head.Content.Span), snapshots, named, there.Names, incomplete, damaged, isAllNamed);
    }
}

/// <summary>
/// Deletes what an archive needs no more. For one caller at a time, that takes no snapshot meanwhile.
/// <list type="number">
/// <item>Look at all there is, and plan (<see cref="ArchiveRetentionPlan"/>) by what can be relied on.</item>
/// <item>Prove that what is kept of the log is there.</item>
/// <item>Note in the archive's head what will be kept no longer: from now on no plan needs it.</item>
/// <item>Delete expired snapshots that nobody has pinned meanwhile, then groups of the log, as long as the lease is held.</item>
/// <item>Delete objects of snapshots that no manifest names, when none did the last time either.</item>
/// <item>Look again: what is kept is still there.</item>
/// </list>
/// </summary>
/// <param name="store">The archive's.</param>
/// <param name="archived">Where this process archives; null while it doesn't.</param>
/// <param name="noteTrim">Notes in the archive's head what will be kept no longer, as its writer.</param>
/// <param name="options">What is kept.</param>
/// <param name="log">Tells.</param>
public sealed class ArchiveRetention(IObjectStore store, Func<ArchivedLog?> archived, Func<ArchiveTrim, Task> noteTrim, ArchiveRetentionOptions options, ILogger<ArchiveRetention> log)
{
    /// <summary>Nothing is deleted so shortly before the lease ends: a call may take long.</summary>
    private static readonly TimeSpan s_leaseReserve = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private const int Deleters = 8;

    private HashSet<string> _unnamed = [];

    /// <returns>How many objects were deleted.</returns>
    /// <exception cref="ArchiveBrokenException">What must be kept isn't there: nothing is deleted, or nothing more.</exception>
    /// <exception cref="IOException">Not now: the store can't be reached, or this process doesn't write to the archive.</exception>
    public async Task<int> RunAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        CheckLease();
        ArchiveInventory inventory = await ArchiveInventory.TakeAsync(store, cancellation).ConfigureAwait(false); // 1
        foreach (string damage in inventory.Damaged) log.LogError("{Damage} It isn't relied on: what would be needed without it is kept.", damage);
        ArchiveHead head = inventory.Head;
        ArchiveRetentionPlan plan = ArchiveRetentionPlan.Of(head, inventory.Snapshots, now < store.Now ? now : store.Now, options);
        await ProveAsync(head, plan, cancellation).ConfigureAwait(false); // 2
        foreach (string lost in plan.Lost) log.LogError("{Lost}", lost);
        if (plan.Horizon > (head.Trim?.Horizon ?? head.Epochs[0].Began) || !plan.Trim(head).Logs.SequenceEqual(head.Trim?.Logs ?? [])) await NoteAsync(plan.Trim(head), cancellation).ConfigureAwait(false); // 3

        int deleted = 0;
        IEnumerable<SnapshotId> past = inventory.Incomplete.Where(snapshot => !snapshot.Entry.IsPinned && snapshot.Id.Taken < plan.Horizon).Select(snapshot => snapshot.Id); // no instant that is promised could use them, even whole
        foreach (SnapshotId expired in plan.Expired.Concat(past)) // 4
        {
            CheckLease();
            if (await store.FindAsync(SnapshotNames.Pin(expired), cancellation).ConfigureAwait(false) is not null) continue;
            await new SnapshotCatalogue(store).DeleteAsync(expired, cancellation).ConfigureAwait(false);
            deleted++;
        }

        foreach (ArchiveEpoch epoch in head.Epochs)
        {
            ulong? first = plan.Logs.FirstOrDefault(kept => kept.Epoch == epoch.Number)?.FirstGroup;
            if (first == epoch.First) continue;
            IAsyncEnumerable<string> groups = store.ListAsync(ArchiveNames.LogOf(epoch.Number), null, cancellation).Select(group => group.Name).TakeWhile(name => ArchiveNames.FirstOf(name) is { } number && !(number >= first));
            deleted += await DeleteAsync(groups, cancellation).ConfigureAwait(false);
        }

        deleted += await DeleteUnnamedAsync(inventory, plan, cancellation).ConfigureAwait(false); // 5
        if (deleted > 0) await ProveAgainAsync(plan, cancellation).ConfigureAwait(false); // 6
        return deleted;
    }

    /// <summary>Objects of snapshots that were begun and never finished, or are deleted.</summary>
    private async Task<int> DeleteUnnamedAsync(ArchiveInventory inventory, ArchiveRetentionPlan plan, CancellationToken cancellation)
    {
        if (!inventory.IsAllNamed) return 0;
        HashSet<string> unnamed = [.. inventory.Packs.Where(pack => !inventory.Named.Contains(pack))];
        string[] garbage = [.. unnamed.Where(_unnamed.Contains)];
        _unnamed = unnamed;
        if (plan.Snapshots.Count == 0) return 0;
        return await DeleteAsync(garbage.ToAsyncEnumerable(), cancellation).ConfigureAwait(false);
    }

    /// <summary>A day's log is many objects, and a store far away.</summary>
    private async Task<int> DeleteAsync(IAsyncEnumerable<string> names, CancellationToken cancellation)
    {
        int deleted = 0;
        await Parallel.ForEachAsync(names, new ParallelOptions { MaxDegreeOfParallelism = Deleters, CancellationToken = cancellation }, async (name, token) =>
        {
            CheckLease();
            await store.DeleteAsync(name, token).ConfigureAwait(false);
            Interlocked.Increment(ref deleted);
        }).ConfigureAwait(false);
        return deleted;
    }

    private async Task NoteAsync(ArchiveTrim trim, CancellationToken cancellation)
    {
        try
        {
            await noteTrim(trim).WaitAsync(s_patience, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw new IOException($"{ArchiveNames.Head} in {store.Address} can't be replaced now.", e);
        }
    }

    /// <summary>Of what is kept of the log, the first group is there, unless nothing came yet.</summary>
    private async Task ProveAsync(ArchiveHead head, ArchiveRetentionPlan plan, CancellationToken cancellation)
    {
        foreach (LogReason kept in plan.Logs)
        {
            ArchiveEpoch epoch = head.Epochs.Single(epoch => epoch.Number == kept.Epoch);
            ulong end = (epoch.End ?? head.Frontier).Segment;
            if (kept.FirstGroup > end) continue;
            string name = ArchiveNames.Group(kept.Epoch, kept.FirstGroup);
            if (await store.FindAsync(name, cancellation).ConfigureAwait(false) is null) throw new ArchiveBrokenException($"{name} is missing in {store.Address}, which {kept.Reason}. Nothing is deleted. Take a snapshot: tracestore snapshot create");
        }
    }

    private async Task ProveAgainAsync(ArchiveRetentionPlan plan, CancellationToken cancellation)
    {
        ArchiveInventory inventory = await ArchiveInventory.TakeAsync(store, cancellation).ConfigureAwait(false);
        SnapshotReason? lost = plan.Snapshots.FirstOrDefault(kept => inventory.Snapshots.All(snapshot => snapshot.Entry.Id != kept.Id));
        if (lost is not null) throw new ArchiveBrokenException($"Snapshot {lost.Id} in {store.Address} isn't whole any more, though {lost.Reason}: does somebody else delete there? Take another: tracestore snapshot create");
        await ProveAsync(inventory.Head, plan, cancellation).ConfigureAwait(false);
    }

    private void CheckLease()
    {
        if (archived() is { } ours && store.Now + s_leaseReserve < ours.LeaseUntil) return;
        throw new ArchiveNotOursException($"Nothing is deleted in {store.Address}: this process isn't known to be its writer now.");
    }
}
