using Microsoft.Extensions.Logging;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Archive;

/// <summary>Ships the next group of sealed segments, from the cursor on. For one caller at a time.</summary>
/// <param name="store">Where to.</param>
/// <param name="cursor">What is archived.</param>
/// <param name="log">The write-ahead log's identity.</param>
/// <param name="options">How much at once.</param>
/// <param name="logger">Tells.</param>
internal sealed class LogShipment(IObjectStore store, WalCursor cursor, ulong log, ArchiveOptions options, ILogger logger)
{
    private readonly LogGroupWriter _writer = new();
    private ulong _behind;
    private LogHole? _missing;

    /// <summary>The sequence of the last record that is archived; 0 before there is one.</summary>
    public ulong Sequence { get; private set; }

    /// <summary>The last segment that is archived.</summary>
    public ulong Archived => _behind;

    /// <summary>Everything that was received up to a moment is in segments up to one; sent along with the group that has them.</summary>
    public ReceivedThrough? Mark { get; set; }

    public bool IsFull => _writer.Bytes >= options.MaxGroupBytes;

    /// <summary>The last segment that is archived or in the group.</summary>
    public ulong Through => _writer.Last;

    /// <summary>The first segment that would be archived now: of a log that is older than its archive, the oldest that it still has.</summary>
    public ulong First => cursor.Position == 0 && cursor.SealedBehind(0) is { } oldest ? oldest.Number : cursor.Position + 1;

    /// <summary>
    /// Brings the cursor and the archive into line after a start. The cursor goes on behind what is archived, wherever it stood; what it holds
    /// for archived and isn't there any more is a hole, for the log may have let go of it.
    /// </summary>
    /// <param name="epoch">The epoch, with where it began.</param>
    /// <param name="known">How far it is known to go.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task AlignAsync(ArchiveEpoch epoch, ArchiveFrontier known, CancellationToken cancellation)
    {
        ulong end = known.Segment;
        string prefix = ArchiveNames.LogOf(epoch.Number);
        ListedObject? newest = await store.ListAsync(prefix, ArchiveNames.Group(epoch.Number, end), cancellation).LastOrDefaultAsync(cancellation).ConfigureAwait(false);
        LogGroup? last = newest is null ? null : await LogArchiveReader.GetAsync(store, newest.Name, cancellation).ConfigureAwait(false);
        if (last is not null) end = last.Place.Last;
        _missing = cursor.Position > end ? new LogHole(end + 1, cursor.Position, "it was archived, and its objects are gone from the store") : null;
        bool isNext = last is not null && last.Place.First == cursor.Position + 1; // it is compared when it is shipped again
        if (cursor.Position < end && !isNext) cursor.Repaired(end);
        _behind = Math.Min(cursor.Position, end);
        Sequence = _behind == end && last is { Counts.LastSequence: > 0 } ? last.Counts.LastSequence : known.Sequence;
    }

    /// <summary>Begins a new group behind what is archived.</summary>
    public void Begin()
    {
        _writer.Begin(_behind);
        _writer.NextSequence = Sequence > 0 ? Sequence + 1 : 0;
        if (_missing is { } missing) _writer.Add(missing);
        else if (cursor.IsLost && cursor.SealedBehind(_behind) is { } oldest && oldest.Number > _behind + 1)
        {
            _writer.Add(new LogHole(_behind + 1, oldest.Number - 1, "the store was away for longer than the log may keep what it hasn't got (Archive:WhenAway=skip)"));
        }
    }

    /// <summary>Adds the next segment.</summary>
    /// <exception cref="IOException">It can't be read just now.</exception>
    public void Add(SealedSegment segment) => _writer.Add(segment);

    /// <summary>
    /// Creates the group's object and moves the cursor on. An object that is there already is an earlier attempt's, whose answer was lost or
    /// whose process was killed, and may go less or more far; it must say the same of the same segments.
    /// </summary>
    /// <returns>The group that is in the archive now.</returns>
    /// <exception cref="ArchiveNotOursException">Something else is there.</exception>
    /// <exception cref="ObjectStoreException">The store can't be reached.</exception>
    public async Task<LogGroup> ShipAsync(Guid lineage, uint epoch, CancellationToken cancellation)
    {
        var place = new GroupPlace(lineage, epoch, log, _behind + 1, _writer.Last);
        ulong completeThrough = Mark is { } mark && mark.Segment <= place.Last ? UnixNano(mark.Time) : 0;
        (ReadOnlyMemory<byte> content, LogGroup group) = _writer.Finish(place, completeThrough);
        string name = ArchiveNames.Group(epoch, place.First);
        if (!await store.CreateAsync(name, ObjectContent.Of(content), cancellation).ConfigureAwait(false))
        {
            StoredObject found = await store.GetAsync(name, cancellation).ConfigureAwait(false)
                ?? throw new ObjectStoreException($"{name} in {store.Address} was there, and is gone: who deletes there?", mayPass: true);
            group = LogGroup.Decode(store, name, found.Content);
            CheckSame(name, group, place);
        }

        foreach (LogHole hole in group.Holes)
        {
            logger.LogError(
                "Segments {First} to {Last} of the write-ahead log are in no archive: {Reason}. An instant in that time can't be restored; those from the next snapshot on can.",
                hole.First, hole.Last, hole.Reason);
        }

        (_behind, _missing) = (group.Place.Last, null);
        if (group.Counts.LastSequence > 0) Sequence = group.Counts.LastSequence;
        if (cursor.IsLost) cursor.Repaired(_behind);
        else if (_behind > cursor.Position) cursor.Advance(_behind);
        return group;
    }

    private void CheckSame(string name, LogGroup found, GroupPlace place)
    {
        bool isSame = found.Place with { Last = place.Last } == place;
        var again = new LogGroupWriter();
        again.Begin(_behind);
        for (ulong at = _behind; isSame && cursor.SealedBehind(at) is { } segment && segment.Number <= found.Place.Last; at = segment.Number) again.Add(segment);
        IReadOnlyList<ArchivedSegment> ours = again.Finish(place, 0).Group.Segments;
        isSame = isSame && found.Segments.Count == ours.Count && found.Segments.Zip(ours).All(pair => pair.First.Number == pair.Second.Number && pair.First.Bytes.Span.SequenceEqual(pair.Second.Bytes.Span));
        if (!isSame) throw new ArchiveNotOursException($"{name} in {store.Address} has other content than this log: another TraceStore writes there, with a copy of this data directory. Nothing is overwritten. Stop one of them, and give it a place of its own with Archive:Url.");
    }

    private static ulong UnixNano(DateTimeOffset time) => (ulong)(time - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
}
