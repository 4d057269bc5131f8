using Microsoft.Extensions.Logging;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Recovery;

/// <summary>
/// A write-ahead log that is gone, or another one in its place, while what it was stored in lives. What was archived of it and isn't stored would be
/// in none of the next snapshots: it is brought back from the archive first; and what lay in its quarantine when the last snapshot was taken.
/// </summary>
internal static class LostLog
{
    /// <summary>Whether a directory had archived another log than the one that is found; not where nothing is known.</summary>
    public static bool IsLost(string dataDirectory, ulong found)
    {
        try
        {
            return ArchiveIdentity.Find(dataDirectory)?.Log is { } archived && archived != found;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return false; // the archiver says so
        }
    }

    /// <summary>
    /// Plans to store what isn't; null where that is nothing. What was refused since the last snapshot, and lay in the quarantine, is behind a segment that is
    /// stored: so it begins with what that snapshot hasn't got. (Where none was ever taken, with what isn't stored.)
    /// </summary>
    /// <param name="store">The archive's.</param>
    /// <param name="database">What is stored.</param>
    /// <param name="dataDirectory">Whose archive it is.</param>
    /// <param name="found">The log that is there now.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="IOException">The archive can't be read, or isn't this directory's.</exception>
    /// <exception cref="ClickHouseUnavailableException">Not now.</exception>
    public static async Task<RestorePlan?> PlanAsync(IObjectStore store, ClickHouseDatabase database, string dataDirectory, ulong found, CancellationToken cancellation)
    {
        ArchiveIdentity identity = ArchiveIdentity.Of(dataDirectory);
        ArchiveHead head = await RestorePlanner.HeadAsync(store, cancellation).ConfigureAwait(false);
        if (head.Lineage != identity.Lineage) throw new ArchiveNotOursException($"{store.Address} holds the archive of another TraceStore, and not what the lost log had archived. Correct Archive:Url.");

        // Others may have been lost since, before that one was brought back
        bool isLast = head.Writer?.Directory == identity.Directory;
        IReadOnlyDictionary<ulong, ulong> stored = await StoredLogs.ReadAsync(database, cancellation).ConfigureAwait(false);
        SnapshotId? last = await FindLastAsync(store, RestorePlan.Of(head, instant: null), cancellation).ConfigureAwait(false);
        List<RestoreStretch> stretches = [];
        foreach (ArchiveEpoch epoch in head.Epochs.SkipWhile(epoch => epoch.Log != identity.Log).Where(epoch => epoch.Log != found && (isLast || epoch.Log == identity.Log)))
        {
            if (head.FirstGroup(epoch) is not { } kept) continue; // a snapshot has had it all
            var stretch = new RestoreStretch(epoch, epoch.End ?? head.Frontier, IsWhole: true, Until: null);
            ulong through = stored.GetValueOrDefault(epoch.Log);
            if (last?.Epoch <= epoch.Number) through = Math.Min(through, last.Epoch == epoch.Number ? last.Segment : 0);
            stretches.Add(await StoredLogs.BehindAsync(store, stretch, kept, Math.Max(through, kept - 1), again: 0, cancellation).ConfigureAwait(false));
        }

        return stretches.Count == 0 ? null : new RestorePlan(head.Lineage, null, stretches);
    }

    /// <summary>Brings back what lay in the lost log's quarantine when the last snapshot was taken.</summary>
    public static async Task BringQuarantineBackAsync(IObjectStore store, RestorePlan plan, string walDirectory, ILogger log, CancellationToken cancellation)
    {
        if (await FindLastAsync(store, plan, cancellation).ConfigureAwait(false) is not { } last) return;
        try
        {
            var catalogue = new SnapshotCatalogue(store);
            await HeldQuarantine.BringBackAsync(catalogue, await catalogue.ReadAsync(last, cancellation).ConfigureAwait(false), walDirectory, cancellation).ConfigureAwait(false);
        }
        catch (ObjectDamagedException e)
        {
            log.LogError("What lay in the lost log's quarantine can't be brought back. {Cause}", e.Message); // and holds up nothing: the next snapshot is due
        }
    }

    private static async Task<SnapshotId?> FindLastAsync(IObjectStore store, RestorePlan plan, CancellationToken cancellation) =>
        plan.Choose((await new SnapshotCatalogue(store).ListAsync(cancellation).ConfigureAwait(false)).Select(entry => entry.Id));

    /// <summary>All is stored: from now on, the one that was found counts.</summary>
    public static void Settle(string dataDirectory, ulong found) => ArchiveIdentity.Change(dataDirectory, identity => identity with { Log = found });
}
