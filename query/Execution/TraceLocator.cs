using System.Globalization;
using TraceStore.Query.Sql;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Spans;

namespace TraceStore.Query.Execution;

/// <summary>
/// Tells in which buckets of time traces lie, where looking into all buckets would take longer than asking does
/// (storage/decisions/0012).
/// </summary>
internal sealed class TraceLocator(ClickHouseDatabase database, TraceSql sql)
{
    /// <summary>So many are looked into without asking: some 40 µs each, where to ask is 2 ms.</summary>
    private const int FewBuckets = 48;

    /// <summary>To look into so many costs no less than to look into all.</summary>
    private const int MaxBuckets = 1_000;

    private static readonly TimeSpan s_countIsGoodFor = TimeSpan.FromMinutes(1);

    private volatile BucketCount? _count;

    /// <summary>
    /// The buckets that the traces' stored spans lie in, and perhaps others; null for any. What isn't stored yet and is read
    /// elsewhere must have been copied before: until this answers it may be stored.
    /// </summary>
    public async Task<IReadOnlyList<ulong>?> FindAsync(IReadOnlyCollection<TraceId> traces, CancellationToken cancellation)
    {
        if (await AreFewAsync(cancellation).ConfigureAwait(false)) return null;
        IReadOnlyList<string> lines = await database.ReadLinesAsync(sql.BucketsOf(traces, MaxBuckets), cancellation).ConfigureAwait(false);
        return lines.Count == MaxBuckets ? null : [.. lines.Select(line => ulong.Parse(line, CultureInfo.InvariantCulture))];
    }

    private async Task<bool> AreFewAsync(CancellationToken cancellation)
    {
        if (_count is { } count && TimeProvider.System.GetElapsedTime(count.At) < s_countIsGoodFor) return count.AreFew;
        long now = TimeProvider.System.GetTimestamp();
        string buckets = (await database.ReadLinesAsync(TraceSql.CountBuckets(FewBuckets), cancellation).ConfigureAwait(false)).Single();
        bool areFew = int.Parse(buckets, CultureInfo.InvariantCulture) <= FewBuckets;
        _count = new BucketCount(areFew, now);
        return areFew;
    }

    private sealed record BucketCount(bool AreFew, long At);
}
