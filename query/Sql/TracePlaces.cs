namespace TraceStore.Query.Sql;

/// <summary>Where stored spans lie.</summary>
/// <param name="ReceivedDays">In which partitions: days since 1970.</param>
/// <param name="TimeBuckets">In which buckets of time, of each of them.</param>
internal sealed record TracePlaces(IReadOnlyCollection<ushort> ReceivedDays, IReadOnlyCollection<ulong> TimeBuckets)
{
    public bool IsNowhere => TimeBuckets.Count == 0;
}
