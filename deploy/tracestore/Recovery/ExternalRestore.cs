using Microsoft.Extensions.Logging;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;

namespace TraceStore.Recovery;

/// <summary>Restores into an external ClickHouse: what it hasn't got is replayed, whether it is empty, lives, or was restored from a backup of its own.</summary>
internal static class ExternalRestore
{
    /// <summary>A backup takes one table after the other: what the last spans in it refer to may be missing, and is stored again.</summary>
    private const int GroupsAgain = 120;

    /// <summary>Of a plan, what isn't stored.</summary>
    /// <param name="store">The archive's.</param>
    /// <param name="plan">By the log alone.</param>
    /// <param name="database">ClickHouse; its tables are made or brought up to date.</param>
    /// <param name="log">Tells.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="RestoreRefusedException">An instant is asked for, and ClickHouse holds what came later.</exception>
    public static async Task<RestorePlan> NarrowAsync(IObjectStore store, RestorePlan plan, ClickHouseDatabase database, ILogger log, CancellationToken cancellation)
    {
        await new SchemaMigrator(database, log).MigrateAsync(cancellation).ConfigureAwait(false);
        IReadOnlyDictionary<ulong, ulong> stored = await StoredLogs.ReadAsync(database, cancellation).ConfigureAwait(false);
        if (plan.Instant is not null && plan.Stretches.Any(stretch => stored.ContainsKey(stretch.Epoch.Log))) throw new RestoreRefusedException("ClickHouse:Url holds spans of this archive, of before and behind the instant. To look at the past beside it: --into DIR. To go back for good: into a ClickHouse that has none, or another database (ClickHouse:Database).");
        ArchiveHead head = ArchiveHead.Decode(store, (await store.GetAsync(ArchiveNames.Head, cancellation).ConfigureAwait(false))!.Content.Span);
        List<RestoreStretch> stretches = [];
        foreach (RestoreStretch stretch in plan.Stretches)
        {
            bool isAny = stored.TryGetValue(stretch.Epoch.Log, out ulong through);
            stretches.Add(isAny ? await StoredLogs.BehindAsync(store, stretch, head.FirstGroup(stretch.Epoch) ?? stretch.Epoch.First, through, GroupsAgain, cancellation).ConfigureAwait(false) : stretch);
        }

        return plan with { Stretches = stretches };
    }
}
