using Microsoft.Extensions.Logging;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Archive;

/// <summary>Ships the next group of sealed segments, from what is archived on. For one caller at a time.</summary>
/// <param name="store">Where to.</param>
/// <param name="cursor">What the log keeps for the archive.</param>
/// <param name="log">The write-ahead log's identity.</param>
/// <param name="options">How much at once.</param>
/// <param name="logger">Tells.</param>
internal sealed class LogShipment(IObjectStore store, WalCursor cursor, ulong log, ArchiveOptions options, ILogger logger)
{
    private readonly LogGroupWriter _writer = new();
    private LogHole? _missing;

    /// <summary>How far the epoch is archived.</summary>
    public ArchiveFrontier Frontier { get; private set; } = ArchiveFrontier.Before(1);

    /// <summary>Everything that was received up to a moment is in segments up to one; sent along with the group that has them.</summary>
    public ReceivedThrough? Mark { get; set; }

    /// <summary>The last segment that is archived or in the group.</summary>
    public ulong Through => _writer.Last;

    /// <summary>The first segment that would be archived in a new epoch: of a log that is older than its archive, the oldest that it still has.</summary>
    public ulong First => cursor.Position == 0 && cursor.SealedBehind(0) is { } oldest ? oldest.Number : cursor.Position + 1;

    /// <summary>When the first segment that isn't archived was begun; null for none.</summary>
    public DateTimeOffset? FirstBegan
    {
        get
        {
            if (cursor.SealedBehind(First - 1) is not { } segment) return null;
            try
            {
                return WalReader.Read(segment.Path) is { } content ? DateTimeOffset.UnixEpoch.AddTicks((long)(content.Segment.CreateTimeUnixNano / TimeSpan.NanosecondsPerTick)) : null;
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                return null; // it is told when it is shipped
            }
        }
    }

    /// <summary>How far an epoch really goes: its head is a little behind. Of one that goes on, also whether it is of this very log.</summary>
    /// <param name="epoch">The epoch.</param>
    /// <param name="known">What its head says.</param>
    /// <param name="newest">The newest segment of this log, where the epoch is to go on with it; else null.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ArchiveNotOursException">The log was set back, or is a copy that went another way.</exception>
    /// <exception cref="ArchiveBrokenException">A group is missing.</exception>
    public async Task<ArchiveFrontier> FindEndAsync(ArchiveEpoch epoch, ArchiveFrontier known, ulong? newest, CancellationToken cancellation)
    {
        LogGroup? last = null;
        await foreach (LogGroup group in new LogArchiveReader(store).ReadAsync(epoch.Number, known.Segment + 1, known.Segment, cancellation).ConfigureAwait(false)) (known, last) = (known.After(group), group);
        if (newest is { } ours && (known.Segment > ours || (last is not null && !IsSame(last))))
        {
            throw new ArchiveNotOursException($"{store.Address} has segments up to {known.Segment} of this log, which here goes to {ours}{(known.Segment > ours ? "" : ", with other content")}: this data directory is a copy of the one that was archived, or was set back to an earlier state. Restore from the archive into a new directory; or begin an archive of its own: delete archive.json in the data directory and choose another place with Archive:Url.");
        }

        return known;
    }

    /// <summary>
    /// Goes on where the epoch ends, wherever the cursor stood. What the cursor holds for archived and isn't there any more is a hole, for the
    /// log may have let go of it.
    /// </summary>
    public void Align(ArchiveFrontier end)
    {
        _missing = cursor.Position > end.Segment ? new LogHole(end.Segment + 1, cursor.Position, "it was archived, and its objects are gone from the store") : null;
        if (cursor.Position < end.Segment) cursor.Repaired(end.Segment);
        Frontier = end;
    }

    /// <summary>Everything that was received up to a moment is archived.</summary>
    public void NoteComplete(DateTimeOffset through) => Frontier = Frontier with { CompleteThrough = through };

    /// <summary>Begins a new group behind what is archived.</summary>
    public void Begin()
    {
        _writer.Begin(Frontier.Segment);
        _writer.NextSequence = Frontier.Sequence > 0 ? Frontier.Sequence + 1 : 0;
        if (_missing is { } missing) _writer.Add(missing);
        else if (cursor.IsLost && cursor.SealedBehind(Frontier.Segment) is { } oldest && oldest.Number > Frontier.Segment + 1)
        {
            _writer.Add(new LogHole(Frontier.Segment + 1, oldest.Number - 1, "the store was away for longer than the log may keep what it hasn't got (Archive:WhenAway=skip)"));
        }
    }

    /// <summary>Whether a segment still goes into the group. An empty one takes any.</summary>
    public bool HasRoomFor(SealedSegment segment) => _writer.Bytes == 0 || _writer.Bytes + segment.Bytes <= options.MaxGroupBytes;

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
        var place = new GroupPlace(lineage, epoch, log, Frontier.Segment + 1, _writer.Last);
        ulong completeThrough = Mark is { } mark && mark.Segment <= place.Last ? UnixNano(mark.Time) : 0;
        (ReadOnlyMemory<byte> content, LogGroup group) = _writer.Finish(place, completeThrough);
        string name = ArchiveNames.Group(epoch, place.First);
        if (!await store.CreateAsync(name, ObjectContent.Of(content), cancellation).ConfigureAwait(false))
        {
            StoredObject found = await store.GetAsync(name, cancellation).ConfigureAwait(false)
                ?? throw new ObjectStoreException($"{name} in {store.Address} was there, and is gone: who deletes there?", mayPass: true);
            group = LogGroup.Decode(store, name, found.Content);
            if (group.Place with { Last = place.Last } != place || !IsSame(group)) throw new ArchiveNotOursException($"{name} in {store.Address} has other content than this log: another TraceStore writes there, with a copy of this data directory. Nothing is overwritten. Stop one of them, and give it a place of its own with Archive:Url.");
        }

        foreach (LogHole hole in group.Holes)
        {
            logger.LogError(
                "Segments {First} to {Last} of the write-ahead log are in no archive: {Reason}. An instant in that time can't be restored; those from the next snapshot on can.",
                hole.First, hole.Last, hole.Reason);
        }

        // The cursor first: where it can't be written, the same is shipped again, and found.
        if (cursor.IsLost) cursor.Repaired(group.Place.Last);
        else if (group.Place.Last > cursor.Position) cursor.Advance(group.Place.Last);
        (Frontier, _missing) = (Frontier.After(group), null);
        return group;
    }

    /// <summary>Whether a group holds what the log has, of those segments that the log still has.</summary>
    private bool IsSame(LogGroup group)
    {
        var writer = new LogGroupWriter();
        foreach (ArchivedSegment archived in group.Segments)
        {
            if (cursor.SealedBehind(archived.Number - 1) is not { } segment || segment.Number != archived.Number) continue;
            writer.Begin(archived.Number - 1);
            writer.Add(segment);
            IReadOnlyList<ArchivedSegment> ours = writer.Finish(group.Place, 0).Group.Segments;
            if (ours.Count != 1 || !ours[0].Bytes.Span.SequenceEqual(archived.Bytes.Span)) return false;
        }

        return true;
    }

    private static ulong UnixNano(DateTimeOffset time) => (ulong)(time - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
}
