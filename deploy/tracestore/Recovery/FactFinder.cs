using System.Net;
using TraceStore.Settings;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Recovery;

/// <summary>Looks at everything that the recovery plan is judged by. Changes nothing.</summary>
internal static class FactFinder
{
    private const int LastDrills = 5;
    private const int MaxDamaged = 100;

    public static async Task<RecoveryFacts> FindAsync(TraceStoreSettings settings, CancellationToken cancellation)
    {
        var facts = new RecoveryFacts { DataDirectory = settings.DataDirectory };
        if (settings.Archive is not { } archive) return facts;
        facts = facts with
        {
            Archive = archive.Store.Address,
            IsEncrypted = archive.Store.Keys is not null,
            IsOnSameDisk = archive.Store.Directory is { } directory && MountedDisk.Of(directory) is { } disk && disk.Device == MountedDisk.Of(settings.DataDirectory)?.Device,
            IsOnThisHost = archive.Store.Directory is { } place ? MountedDisk.Of(place) is { IsOfNetwork: false } : IsLoopback(archive.Store.S3!.Endpoint),
            IsExternal = settings.Engine is null,
            SnapshotEvery = archive.SnapshotEvery,
            IsHeld = RetentionHold.IsIn(settings.DataDirectory),
            OwnLineage = ArchiveIdentity.Find(settings.DataDirectory)?.Lineage,
        };
        IObjectStore store = ObjectStores.Open(archive.Store);
        await using (store.ConfigureAwait(false))
        {
            try
            {
                ListedArchive listed = await ListedArchive.ReadAsync(store, cancellation).ConfigureAwait(false);
                facts = await ReadBackAsync(listed, facts, cancellation).ConfigureAwait(false);
                return facts.Head is null ? facts : await ReadMoreAsync(listed, facts, facts.Head, cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                return facts with { Failure = e.Message };
            }
        }
    }

    /// <summary>What counts is what is in the store, not what a writer believes to have put there.</summary>
    public static async Task<RecoveryFacts> ReadBackAsync(IObjectStore store, RecoveryFacts facts, CancellationToken cancellation)
    {
        StoredObject? stored = await store.GetAsync(ArchiveNames.Head, cancellation).ConfigureAwait(false);
        facts = facts with { Now = store.Now, ClocksApart = store.Now - DateTimeOffset.UtcNow };
        if (stored is null) return facts;
        ArchiveHead head = ArchiveHead.Decode(store, stored.Content.Span);
        DateTimeOffset? through = head.Frontier.CompleteThrough;
        await foreach (LogGroup group in new LogArchiveReader(store).ReadAsync(head.Current.Number, head.Frontier.Segment + 1, head.Frontier.Segment, cancellation).ConfigureAwait(false))
        {
            ulong complete = group.Counts.CompleteThroughUnixNano;
            if (complete > 0) through = DateTimeOffset.UnixEpoch.AddTicks((long)(complete / TimeSpan.NanosecondsPerTick));
        }

        return facts with { Head = head, CompleteThrough = through, Now = store.Now };
    }

    private static async Task<RecoveryFacts> ReadMoreAsync(IObjectStore store, RecoveryFacts facts, ArchiveHead head, CancellationToken cancellation)
    {
        var catalogue = new SnapshotCatalogue(store);
        facts = facts with
        {
            Snapshots = await catalogue.ListAsync(cancellation).ConfigureAwait(false),
            Drills = await DrillHistory.ReadAsync(store, LastDrills, cancellation).ConfigureAwait(false),
        };
        facts = facts with { Damaged = await FindDamagedAsync(store, cancellation).ConfigureAwait(false) };
        RestorePlan plan = RestorePlan.Of(head, instant: null);
        try
        {
            if (plan.Choose(facts.Snapshots.Select(entry => entry.Id)) is { } id)
            {
                SnapshotManifest manifest = await catalogue.ReadAsync(id, cancellation).ConfigureAwait(false);
                await catalogue.ProveAsync(manifest, cancellation).ConfigureAwait(false);
                plan = plan.From(manifest);
                facts = facts with { IsByBackup = manifest.Backup is not null };
            }
        }
        catch (Exception e) when (e is ObjectDamagedException or FileNotFoundException or RestoreRefusedException)
        {
            facts = facts with { SnapshotFailure = e.Message };
        }

        return facts with { ExpectedTime = RestoreTimes.Expect(plan, facts.LastPassed?.Times) };
    }

    /// <summary>What retention has deleted since is no longer damaged.</summary>
    private static async Task<IReadOnlyList<string>> FindDamagedAsync(IObjectStore store, CancellationToken cancellation)
    {
        List<string> damaged = [];
        await foreach (ListedObject condemned in store.ListAsync(SnapshotNames.AllCondemned, null, cancellation).ConfigureAwait(false))
        {
            string name = SnapshotNames.OfCondemned(condemned.Name);
            if (damaged.Count < MaxDamaged && await store.FindAsync(name, cancellation).ConfigureAwait(false) is not null) damaged.Add(name);
        }

        return damaged;
    }

    private static bool IsLoopback(Uri? endpoint) => endpoint is not null && (endpoint.IsLoopback || (IPAddress.TryParse(endpoint.Host, out IPAddress? address) && IPAddress.IsLoopback(address)));
}
