using System.Globalization;
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

        // Blocks are stored in order, each all or nothing
        var parameters = new SqlParameters();
        var sql = new SqlQuery($"SELECT max(seg) FROM spans WHERE wal = {parameters.Add(log)}", parameters.Values);
        ulong through = ulong.Parse((await database.ReadLinesAsync(sql, cancellation).ConfigureAwait(false))[0], CultureInfo.InvariantCulture);
        ulong first = await new LogArchiveReader(store).FindGroupAsync(epoch.Number, kept, through + 1, cancellation).ConfigureAwait(false);
        ArchiveFrontier known = epoch.End ?? head.Frontier;
        (long groups, long bytes) = await store.ListAsync(ArchiveNames.LogOf(epoch.Number), null, cancellation)
            .Where(group => ArchiveNames.FirstOf(group.Name) >= first)
            .AggregateAsync((Groups: 0L, Bytes: 0L), (sum, group) => (sum.Groups + 1, sum.Bytes + group.Length), cancellation).ConfigureAwait(false);
        var start = new StretchStart(through, first, known.Groups - groups, known.Bytes - bytes, known.Holes);
        return new RestorePlan(head.Lineage, null, [new RestoreStretch(epoch, known, IsWhole: true, Until: null, start)]);
    }

    /// <summary>All is stored: from now on the log that is there is the one that is archived.</summary>
    public static void Settle(string dataDirectory, ulong found) => ArchiveIdentity.Change(dataDirectory, identity => identity with { Log = found });
}
