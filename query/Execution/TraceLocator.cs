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
    /// Where the traces' stored spans lie, and perhaps others; null for anywhere. What isn't stored yet and is read
    /// elsewhere must have been copied before: until this answers it may be stored.
    /// </summary>
    public async Task<TracePlaces?> FindAsync(IReadOnlyCollection<TraceId> traces, CancellationToken cancellation)
    {
        if (await AreFewAsync(cancellation).ConfigureAwait(false)) return null;
        IReadOnlyList<string> lines = await database.ReadLinesAsync(sql.BucketsOf(traces, MaxBuckets), cancellation).ConfigureAwait(false);
        if (lines.Count == MaxBuckets) return null;
        string[][] rows = [.. lines.Select(line => line.Split('\t'))];
        return new TracePlaces(
            rows.Select(row => ushort.Parse(row[0], CultureInfo.InvariantCulture)).ToHashSet(),
            rows.Select(row => ulong.Parse(row[1], CultureInfo.InvariantCulture)).ToHashSet());
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
