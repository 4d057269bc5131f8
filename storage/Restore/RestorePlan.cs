using System.Text.Json.Serialization;
using TraceStore.Storage.Archive;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Storage.Restore;

/// <summary>What is asked for can't be restored, or not so. The message says what can, and how.</summary>
public sealed class RestoreRefusedException(string message) : IOException(message);

/// <summary>A stretch of the archived log to be replayed.</summary>
/// <param name="Epoch">Of which epoch.</param>
/// <param name="Known">How far it is known to go, and what it holds.</param>
/// <param name="IsWhole">Whether to go on to its end, behind what is known.</param>
/// <param name="Until">Only what was received up to then; null: all.</param>
/// <param name="Start">Where a snapshot ends that it goes on from; null for the epoch's start.</param>
public sealed record RestoreStretch(ArchiveEpoch Epoch, ArchiveFrontier Known, bool IsWhole, DateTimeOffset? Until, StretchStart? Start = null)
{
    /// <summary>The segment that the first group to read begins with.</summary>
    [JsonIgnore]
    public ulong FirstGroup => Start?.FirstGroup ?? Epoch.First;

    /// <summary>Up to this segment nothing is replayed.</summary>
    [JsonIgnore]
    public ulong Behind => Start?.Segment ?? 0;

    /// <summary>Whether the snapshot has it all.</summary>
    [JsonIgnore]
    public bool IsNothing => !IsWhole && Until is null && Behind >= Known.Segment;
}

/// <summary>Where a snapshot ends.</summary>
/// <param name="Segment">Its last segment.</param>
/// <param name="FirstGroup">The segment that the first group behind it begins with.</param>
/// <param name="Groups">Groups of the epoch that needn't be read, about.</param>
/// <param name="Bytes">Their bytes, about.</param>
/// <param name="Holes">Holes of the epoch that were known then, and are behind.</param>
public sealed record StretchStart(ulong Segment, ulong FirstGroup, long Groups, long Bytes, long Holes = 0);

/// <summary>What is read from an archive, in which order, to be at an instant. Pure: reading it changes nothing.</summary>
/// <param name="Lineage">The archive.</param>
/// <param name="Instant">When; null for the newest that there is.</param>
/// <param name="Stretches">What to replay, one after the other.</param>
/// <param name="Snapshot">What is brought back before; null for nothing.</param>
/// <param name="Day">Only what was received on this day, UTC; null for all.</param>
public sealed record RestorePlan(Guid Lineage, DateTimeOffset? Instant, IReadOnlyList<RestoreStretch> Stretches, PlannedSnapshot? Snapshot = null, DateOnly? Day = null)
{
    /// <summary>Objects to read, and their bytes, as far as is known.</summary>
    [JsonIgnore]
    public (long Groups, long Bytes) Size => (LogSize.Groups + (Snapshot?.Objects ?? 0), LogSize.Bytes + (Snapshot?.Bytes ?? 0));

    /// <summary>The same, of the log alone.</summary>
    [JsonIgnore]
    public (long Groups, long Bytes) LogSize => (
        Stretches.Sum(stretch => Math.Max(0, stretch.Known.Groups - (stretch.Start?.Groups ?? 0))),
        Stretches.Sum(stretch => Math.Max(0, stretch.Known.Bytes - (stretch.Start?.Bytes ?? 0))));

    /// <summary>Ranges of the log that are lost.</summary>
    [JsonIgnore]
    public long Holes => Stretches.Sum(stretch => Math.Max(0, stretch.Known.Holes - (stretch.Start?.Holes ?? 0)));

    /// <summary>What the restored directory goes on from.</summary>
    /// <param name="lastSegment">How far the last stretch was found to go.</param>
    public ArchiveOrigin OriginAt(ulong lastSegment)
    {
        RestoreStretch last = Stretches[^1];
        return new ArchiveOrigin(last.Epoch.Number, last.Known with { Segment = Math.Max(last.Known.Segment, lastSegment) }, last.Until);
    }

    /// <summary>The same, to where the log was found to end and not behind.</summary>
    public RestorePlan Until(ulong lastSegment) => this with { Stretches = [.. Stretches.SkipLast(1), Stretches[^1] with { IsWhole = false, Known = Stretches[^1].Known with { Segment = lastSegment } }] };

    /// <summary>Plans to be where the archive was at an instant: in the epoch that was then, with all that it went on from.</summary>
    /// <exception cref="RestoreRefusedException">The archive doesn't reach there.</exception>
    public static RestorePlan Of(ArchiveHead head, DateTimeOffset? instant)
    {
        if (instant < head.Epochs[0].Began) throw new RestoreRefusedException($"The archive begins at {head.Epochs[0].Began:u}, after {instant:u}. {Range(head)}");
        if (instant < head.Trim?.Horizon) throw new RestoreRefusedException($"The archive keeps no instant as old as {instant:u}. {Range(head)} Of before then there are snapshots: tracestore snapshot list");

        int at = instant is null ? head.Epochs.Count - 1 : head.Epochs.Index().Last(epoch => epoch.Item.Began <= instant).Index;
        ArchiveEpoch epoch = head.Epochs[at];
        bool isNewest = at == head.Epochs.Count - 1;
        ArchiveFrontier end = isNewest ? head.Frontier : epoch.End ?? ArchiveFrontier.Before(epoch.First);
        if (isNewest && instant is not null && !(instant <= end.CompleteThrough)) throw new RestoreRefusedException($"The archive isn't known to be complete up to {instant:u}. {Range(head)} Without --to, everything that is there is restored.");
        if (instant is not null && !(instant <= end.CompleteThrough)) throw new RestoreRefusedException($"Epoch {epoch.Number} isn't known to be complete up to {instant:u}, only up to {end.CompleteThrough:u}; the next one begins at {head.Epochs[at + 1].Began:u}.");
        List<RestoreStretch> stretches = [new(epoch, end, IsWhole: isNewest && instant is null, instant)];
        for (ArchiveOrigin? origin = epoch.From; origin is not null; origin = stretches[^1].Epoch.From)
        {
            // A log that was away and came back begins with what it had received before the end of the one in between
            DateTimeOffset? until = origin.Frontier.CompleteThrough > instant && !(origin.Until < instant) ? instant : origin.Until;
            stretches.Add(new RestoreStretch(head.Epochs.Single(other => other.Number == origin.Epoch), origin.Frontier, IsWhole: false, until));
        }

        stretches.Reverse();
        return new RestorePlan(head.Lineage, instant, stretches);
    }

    /// <summary>Of the archive's snapshots, the newest that holds nothing but what is planned; null for none.</summary>
    public SnapshotId? Choose(IEnumerable<SnapshotId> snapshots) => snapshots.Where(IsOnTheWay).MaxBy(id => (id.Epoch, id.Segment, id.Taken));

    /// <summary>Whether a snapshot holds nothing but what is planned: an old writer's that went on alone, for one, does not.</summary>
    public bool IsOnTheWay(SnapshotId id) => Stretches.FirstOrDefault(stretch => stretch.Epoch.Number == id.Epoch) is { } stretch
        && (stretch.Until is { } until ? id.Taken <= until : stretch.IsWhole || id.Segment <= stretch.Known.Segment);

    /// <summary>The same by way of a snapshot: what it holds isn't replayed.</summary>
    /// <exception cref="RestoreRefusedException">It is of another archive, or of another log than its epoch.</exception>
    public RestorePlan From(SnapshotManifest manifest)
    {
        int at = Stretches.Index().First(stretch => stretch.Item.Epoch.Number == manifest.Id.Epoch).Index;
        RestoreStretch stretch = Stretches[at];
        if (manifest.Lineage != Lineage || manifest.Log != stretch.Epoch.Log) throw new RestoreRefusedException($"Snapshot {manifest.Id} is of another archive.");
        if (stretch.Until < manifest.ReceivedThrough) throw new RestoreRefusedException($"Snapshot {manifest.Id} may hold what was received up to {manifest.ReceivedThrough.UtcDateTime:u}, by a clock that was set back.");
        if (manifest.ReplayFrom > manifest.Id.Segment + 1) throw new RestoreRefusedException($"Snapshot {manifest.Id} ends with segment {manifest.Id.Segment}, and the archive begins with {manifest.ReplayFrom}: what is between is in neither.");
        var start = new StretchStart(manifest.Id.Segment, manifest.ReplayFrom, manifest.Archived.Groups, manifest.Archived.Bytes, manifest.Archived.Holes);
        return this with { Stretches = [stretch with { Start = start }, .. Stretches.Skip(at + 1)], Snapshot = new PlannedSnapshot(manifest.Id, manifest.Packs.Count(), manifest.Bytes) };
    }

    /// <summary>Of a plan, only what was received on a day.</summary>
    /// <param name="day">The day, UTC.</param>
    /// <param name="manifest">Of its snapshot; null where it has none.</param>
    public RestorePlan Of(DateOnly day, SnapshotManifest? manifest)
    {
        SnapshotManifest? narrow = manifest?.Of(day);
        return this with { Day = day, Snapshot = narrow is null ? null : new PlannedSnapshot(narrow.Id, narrow.Packs.Count(), narrow.Bytes) };
    }

    /// <summary>Only what is in a snapshot.</summary>
    /// <exception cref="RestoreRefusedException">It is of another archive, or of another log than its epoch.</exception>
    public static RestorePlan OfSnapshot(ArchiveHead head, SnapshotManifest manifest)
    {
        ArchiveEpoch epoch = head.Epochs.FirstOrDefault(epoch => epoch.Number == manifest.Id.Epoch)
            ?? throw new RestoreRefusedException($"Snapshot {manifest.Id} is of an epoch that the archive doesn't have.");
        var stretch = new RestoreStretch(epoch, manifest.Archived with { Segment = manifest.Id.Segment }, IsWhole: false, Until: null);
        return new RestorePlan(head.Lineage, null, [stretch]).From(manifest);
    }

    /// <summary>What of the plan is still kept of the log; all of it where it is planned by way of a snapshot that retention reckons with.</summary>
    public RestorePlan OfWhatIsKept(ArchiveHead head) => this with
    {
        Stretches =
        [
            .. from stretch in Stretches
               let first = head.FirstGroup(stretch.Epoch)
               where first is not null
               select first > stretch.FirstGroup ? stretch with { Start = new StretchStart(0, first.Value, 0, 0) } : stretch,
        ],
    };

    /// <exception cref="RestoreRefusedException">Retention has deleted some of the log that the plan reads.</exception>
    public void CheckKept(ArchiveHead head)
    {
        if (Stretches.FirstOrDefault(stretch => !stretch.IsNothing && !(head.FirstGroup(stretch.Epoch) <= stretch.FirstGroup)) is not { } trimmed) return;
        throw new RestoreRefusedException($"The log of epoch {trimmed.Epoch.Number} is kept from segment {(head.FirstGroup(trimmed.Epoch) is { } first ? $"{first}" : "none")} on, and {(Snapshot is null ? "no snapshot goes so far that can be read" : $"snapshot {Snapshot.Id} goes to {trimmed.Behind}")}. What single snapshots hold can be restored: tracestore restore --snapshot ID");
    }

    private static string Range(ArchiveHead head) => (head.Frontier.CompleteThrough ?? head.Epochs[^1].From?.Frontier.CompleteThrough) is { } through
        ? $"Any instant from {head.Trim?.Horizon ?? head.Epochs[0].Began:u} to {through:u} can be restored."
        : "Nothing is known to be complete yet.";
}

/// <summary>A snapshot that is brought back.</summary>
/// <param name="Id">Which.</param>
/// <param name="Objects">Its objects.</param>
/// <param name="Bytes">Their bytes.</param>
public sealed record PlannedSnapshot(SnapshotId Id, long Objects, long Bytes);
