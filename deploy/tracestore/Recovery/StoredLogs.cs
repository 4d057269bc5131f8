using System.Globalization;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;

namespace TraceStore.Recovery;

/// <summary>
/// What of archived logs ClickHouse has already, wherever it has it from: it lives, or was restored from a backup of its own. Each span says of
/// which segment of which log it is, and blocks are stored in order, each all or nothing; so a restore goes on behind the last. (What lay in the
/// log's quarantine was passed over.)
/// </summary>
internal static class StoredLogs
{
    /// <summary>The last segment that is stored of each log.</summary>
    public static async Task<IReadOnlyDictionary<ulong, ulong>> ReadAsync(ClickHouseDatabase database, CancellationToken cancellation)
    {
        IReadOnlyList<string> lines = await database.ReadLinesAsync(new SqlQuery("SELECT wal, max(seg) FROM spans GROUP BY wal"), cancellation, StoredContent.Patience).ConfigureAwait(false);
        return lines.Select(line => Array.ConvertAll(line.Split('\t'), field => ulong.Parse(field, CultureInfo.InvariantCulture))).ToDictionary(fields => fields[0], fields => fields[1]);
    }

    /// <summary>A stretch from behind what is stored on.</summary>
    /// <param name="store">The archive's.</param>
    /// <param name="stretch">The stretch.</param>
    /// <param name="kept">The segment that the first group begins with that is kept.</param>
    /// <param name="through">What is stored of its log: at least up to that group.</param>
    /// <param name="again">So many groups before are replayed again, which stores nothing twice.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<RestoreStretch> BehindAsync(IObjectStore store, RestoreStretch stretch, ulong kept, ulong through, int again, CancellationToken cancellation)
    {
        (ulong First, long Bytes)[] groups = await store.ListAsync(ArchiveNames.LogOf(stretch.Epoch.Number), ArchiveNames.Group(stretch.Epoch.Number, kept - 1), cancellation)
            .Select(group => (ArchiveNames.FirstOf(group.Name) ?? 0, group.Length))
            .ToArrayAsync(cancellation).ConfigureAwait(false);
        int from = Math.Max(0, Array.FindLastIndex(groups, group => group.First <= through + 1) - again);
        (ulong First, long Bytes)[] left = groups[Math.Min(from, groups.Length)..];
        ulong first = left.Length > 0 ? left[0].First : kept;
        ulong behind = again > 0 && first <= through ? first - 1 : through;
        return stretch with { Start = new StretchStart(behind, first, stretch.Known.Groups - left.Length, stretch.Known.Bytes - left.Sum(group => group.Bytes), stretch.Known.Holes) };
    }
}
