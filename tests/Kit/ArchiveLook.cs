using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Tests;

/// <summary>Reads what is in an archive, as a disaster would leave it.</summary>
public static class ArchiveLook
{
    /// <summary>When the latest was received that is in an epoch's log; null for nothing.</summary>
    public static async Task<DateTimeOffset?> LatestAsync(string archive, uint epoch = 1) => await ReadAsync(archive, epoch, group => group.Counts.Records > 0 ? group.Counts.LatestUnixNano : 0);

    /// <summary>Everything that was received up to then is in an epoch's log, as its groups say; null where nothing is known.</summary>
    public static async Task<DateTimeOffset?> CompleteThroughAsync(string archive, uint epoch = 1) => await ReadAsync(archive, epoch, group => group.Counts.CompleteThroughUnixNano);

    private static async Task<DateTimeOffset?> ReadAsync(string archive, uint epoch, Func<LogGroup, ulong> read)
    {
        await using var store = new DirectoryStore(archive);
        ulong latest = await new LogArchiveReader(store).ReadAsync(epoch, 1, 0, default).Select(read).DefaultIfEmpty().MaxAsync();
        return latest == 0 ? null : DateTimeOffset.UnixEpoch.AddTicks((long)(latest / TimeSpan.NanosecondsPerTick));
    }
}
