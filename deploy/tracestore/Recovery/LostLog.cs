using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;

namespace TraceStore.Recovery;

/// <summary>
/// A write-ahead log that is gone, or another one in its place, while what it was stored in lives. What was archived of it and isn't stored would be
/// in none of the next snapshots: it is brought back from the archive first.
/// </summary>
internal static class LostLog
{
    /// <summary>The log that a directory had archived, where the one that is found is another; null where all is well.</summary>
    public static ulong? Find(string dataDirectory, ulong found) =>
        ArchiveIdentity.Change(dataDirectory, identity => identity with { Log = identity.Log ?? found }).Log is { } archived && archived != found ? archived : null;

    /// <summary>Plans to store what isn't; null where that is nothing.</summary>
    /// <exception cref="IOException">The archive can't be read.</exception>
    /// <exception cref="ClickHouseUnavailableException">Not now.</exception>
    public static async Task<RestorePlan?> PlanAsync(IObjectStore store, ClickHouseDatabase database, ulong log, CancellationToken cancellation)
    {
        if (await store.GetAsync(ArchiveNames.Head, cancellation).ConfigureAwait(false) is not { } stored) return null;
        ArchiveHead head = ArchiveHead.Decode(store, stored.Content.Span);
        if (head.Epochs.LastOrDefault(epoch => epoch.Log == log) is not { } epoch || head.FirstGroup(epoch) is not { } kept) return null;

        ulong through = (await StoredLogs.ReadAsync(database, cancellation).ConfigureAwait(false)).GetValueOrDefault(log);
        var stretch = new RestoreStretch(epoch, epoch.End ?? head.Frontier, IsWhole: true, Until: null);
        return new RestorePlan(head.Lineage, null, [await StoredLogs.BehindAsync(store, stretch, kept, through, again: 0, cancellation).ConfigureAwait(false)]);
    }

    /// <summary>All is stored: from now on the log that is there is the one that is archived.</summary>
    public static void Settle(string dataDirectory, ulong found) => ArchiveIdentity.Change(dataDirectory, identity => identity with { Log = found });
}
