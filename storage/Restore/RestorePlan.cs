using System.Text.Json.Serialization;
using TraceStore.Storage.Archive;

namespace TraceStore.Storage.Restore;

/// <summary>What is asked for can't be restored, or not so. The message says what can, and how.</summary>
public sealed class RestoreRefusedException(string message) : IOException(message);

/// <summary>A stretch of the archived log to be replayed.</summary>
/// <param name="Epoch">Of which epoch.</param>
/// <param name="Known">How far it is known to go, and what it holds.</param>
/// <param name="IsWhole">Whether to go on to its end, behind what is known.</param>
/// <param name="Until">Only what was received up to then; null: all.</param>
public sealed record RestoreStretch(ArchiveEpoch Epoch, ArchiveFrontier Known, bool IsWhole, DateTimeOffset? Until);

/// <summary>What is read from an archive, in which order, to be at an instant. Pure: reading it changes nothing.</summary>
/// <param name="Lineage">The archive.</param>
/// <param name="Instant">When; null for the newest that there is.</param>
/// <param name="Stretches">What to replay, one after the other.</param>
public sealed record RestorePlan(Guid Lineage, DateTimeOffset? Instant, IReadOnlyList<RestoreStretch> Stretches)
{
    /// <summary>Objects to read, and their bytes, as far as is known.</summary>
    [JsonIgnore]
    public (long Groups, long Bytes) Size => (Stretches.Sum(stretch => stretch.Known.Groups), Stretches.Sum(stretch => stretch.Known.Bytes));

    /// <summary>Ranges of the log that are lost.</summary>
    [JsonIgnore]
    public long Holes => Stretches.Sum(stretch => stretch.Known.Holes);

    /// <summary>What the restored directory goes on from.</summary>
    /// <param name="lastSegment">How far the last stretch was found to go.</param>
    public ArchiveOrigin OriginAt(ulong lastSegment)
    {
        RestoreStretch last = Stretches[^1];
        return new ArchiveOrigin(last.Epoch.Number, last.Known with { Segment = Math.Max(last.Known.Segment, lastSegment) }, last.Until);
    }

    /// <summary>Plans to be where the archive was at an instant: in the epoch that was then, with all that it went on from.</summary>
    /// <exception cref="RestoreRefusedException">The archive doesn't reach there.</exception>
    public static RestorePlan Of(ArchiveHead head, DateTimeOffset? instant)
    {
        if (instant < head.Epochs[0].Began) throw new RestoreRefusedException($"The archive begins at {head.Epochs[0].Began:u}, after {instant:u}. {Range(head)}");
        if (instant is not null && !(instant <= head.Frontier.CompleteThrough)) throw new RestoreRefusedException($"The archive isn't known to be complete up to {instant:u}. {Range(head)} Without --to, everything that is there is restored.");

        int at = instant is null ? head.Epochs.Count - 1 : head.Epochs.Index().Last(epoch => epoch.Item.Began <= instant).Index;
        ArchiveEpoch epoch = head.Epochs[at];
        bool isNewest = at == head.Epochs.Count - 1;
        ArchiveFrontier end = isNewest ? head.Frontier : epoch.End ?? ArchiveFrontier.Before(epoch.First);
        if (instant is not null && !(instant <= end.CompleteThrough)) throw new RestoreRefusedException($"Epoch {epoch.Number} isn't known to be complete up to {instant:u}, only up to {end.CompleteThrough:u}; the next one begins at {head.Epochs[at + 1].Began:u}.");
        List<RestoreStretch> stretches = [new(epoch, end, IsWhole: isNewest && instant is null, instant)];
        for (ArchiveOrigin? origin = epoch.From; origin is not null; origin = stretches[^1].Epoch.From)
        {
            stretches.Add(new RestoreStretch(head.Epochs.Single(other => other.Number == origin.Epoch), origin.Frontier, IsWhole: false, origin.Until));
        }

        stretches.Reverse();
        return new RestorePlan(head.Lineage, instant, stretches);
    }

    private static string Range(ArchiveHead head) => head.Frontier.CompleteThrough is { } through
        ? $"Any instant from {head.Epochs[0].Began:u} to {through:u} can be restored."
        : "Nothing is known to be complete yet.";
}
