using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Restore;

/// <summary>What was brought back of a stretch.</summary>
/// <param name="Next">The first segment of the group that comes next.</param>
/// <param name="Spans">Spans in what was written, from where the stretch starts.</param>
/// <param name="IsEnd">Whether nothing comes next.</param>
public sealed record FetchedLog(ulong Next, long Spans, bool IsEnd)
{
    public static FetchedLog Before(RestoreStretch stretch) => new(stretch.FirstGroup, 0, IsEnd: stretch.IsNothing);
}

/// <summary>Brings a stretch of the archived log back as a log's folder, some of it at a time, for a follower to store as it stores any log.</summary>
/// <param name="store">The archive's.</param>
/// <param name="stretch">Which.</param>
/// <param name="directory">The log's folder.</param>
/// <param name="acceptsHoles">Whether to go on where segments are lost, or can't be read.</param>
/// <param name="log">Tells of those.</param>
/// <param name="day">Only what was received on this day, UTC; null for all.</param>
public sealed class ArchivedLogFiles(IObjectStore store, RestoreStretch stretch, string directory, bool acceptsHoles, ILogger log, DateOnly? day = null)
{
    private readonly ByteList _segment = new();

    /// <summary>Writes the next segments, durably. Done again, it writes the same.</summary>
    /// <param name="from">How far it was brought back.</param>
    /// <param name="maxBytes">About how much.</param>
    /// <param name="progress">Is told each group's bytes.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ArchiveBrokenException">A group is missing.</exception>
    /// <exception cref="ObjectDamagedException">A group isn't what was written.</exception>
    public async Task<FetchedLog> FetchAsync(FetchedLog from, long maxBytes, Action<long> progress, CancellationToken cancellation)
    {
        Directory.CreateDirectory(directory);
        (ulong next, long spans, long bytes) = (from.Next, from.Spans, 0);
        bool isEnd = true;
        await foreach (LogGroup group in ReadAsync(next, cancellation).ConfigureAwait(false))
        {
            if (group.Place.Log != stretch.Epoch.Log) throw new ArchiveBrokenException($"{ArchiveNames.Group(group.Place.Epoch, group.Place.First)} in {store.Address} is of another log than its epoch.");
            if (!stretch.IsWhole && group.Place.First > stretch.Known.Segment && !IsBefore(group)) break;
            if (group.Holes.Any(hole => hole.Last > stretch.Behind) && !acceptsHoles) throw new ArchiveBrokenException($"{ArchiveNames.Group(group.Place.Epoch, group.Place.First)} in {store.Address} says that segments {group.Holes[0].First} to {group.Holes[0].Last} are lost: {group.Holes[0].Reason}. With --accept-holes what there is is restored.");
            long groupBytes = 0;
            foreach (ArchivedSegment segment in group.Segments.Where(segment => segment.Number > stretch.Behind))
            {
                spans += Write(segment, group);
                groupBytes += segment.Bytes.Length;
            }

            (next, bytes) = (group.Place.Last + 1, bytes + groupBytes);
            progress(groupBytes);
            if (!stretch.IsWhole && stretch.Until is null && group.Place.Last >= stretch.Known.Segment) break;
            if (group.Counts.CompleteThroughUnixNano >= UntilUnixNano) break; // what was received up to the instant is in it or before
            isEnd = bytes < maxBytes;
            if (!isEnd) break;
        }

        DirectorySync.Sync(directory);
        return new FetchedLog(next, spans, isEnd);
    }

    /// <summary>The groups, from one on; but for those that can't be read, where that is accepted.</summary>
    private async IAsyncEnumerable<LogGroup> ReadAsync(ulong next, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var reader = new LogArchiveReader(store);
        for (bool isEnd = false; !isEnd;)
        {
            await using ConfiguredCancelableAsyncEnumerable<LogGroup>.Enumerator groups = reader.ReadAsync(stretch.Epoch.Number, next, stretch.Known.Segment, cancellation).ConfigureAwait(false).GetAsyncEnumerator();
            while (true)
            {
                try
                {
                    isEnd = !await groups.MoveNextAsync();
                }
                catch (Exception e) when (acceptsHoles && e is ArchiveBrokenException or ObjectDamagedException)
                {
                    ListedObject? later = await store.ListAsync(ArchiveNames.LogOf(stretch.Epoch.Number), ArchiveNames.Group(stretch.Epoch.Number, next), cancellation).FirstOrDefaultAsync(cancellation).ConfigureAwait(false);
                    log.LogError("{Cause} What was received in it is left out.", e.Message);
                    ulong? following = later is null ? null : ArchiveNames.FirstOf(later.Name);
                    (isEnd, next) = (following is null, following ?? next);
                    break;
                }

                if (isEnd) break;
                next = groups.Current.Place.Last + 1;
                yield return groups.Current;
            }
        }
    }

    /// <summary>Whether a group may hold something of before the instant: one behind what was known may.</summary>
    private bool IsBefore(LogGroup group) => stretch.Until is not null && group.Counts.Records > 0 && group.Counts.EarliestUnixNano <= UntilUnixNano;

    private ulong UntilUnixNano => stretch.Until is { } until ? (ulong)(until - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick : ulong.MaxValue;

    /// <summary>Returns how many spans there are in what was written.</summary>
    private long Write(ArchivedSegment segment, LogGroup group)
    {
        string name = $"segment {segment.Number} of {ArchiveNames.Group(group.Place.Epoch, group.Place.First)}";
        WalSegmentContent content = segment.Read(name) ?? throw new ObjectDamagedException($"{name} in {store.Address} has no header.");
        WalRecord[] wanted = [.. content.Records.Where(record => record.ReceiveTimeUnixNano <= UntilUnixNano)];
        if (wanted.Length == 0 || (day is not null && content.ReceivedDay != day)) return 0;
        if (wanted.Length == content.Records.Count) PackedSegment.Write(directory, segment.Number, segment.Bytes.Span);
        else
        {
            _segment.Clear();
            PackedSegment.Append(segment.Bytes.Span, wanted, _segment);
            PackedSegment.Write(directory, segment.Number, _segment.All);
        }

        return wanted.Sum(record => (long)record.SpanCount);
    }
}
