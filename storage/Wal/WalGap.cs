namespace TraceStore.Storage.Wal;

/// <summary>Segments that should be there and aren't: deleted by somebody, or lost with a disk.</summary>
/// <param name="First">The first of them.</param>
/// <param name="Last">The last of them.</param>
/// <param name="Reason">How that is known, in words.</param>
internal sealed record WalGap(ulong First, ulong Last, string Reason)
{
    /// <summary>The gaps among the segments that a sink hasn't got.</summary>
    public static IReadOnlyList<WalGap> FindIn(string directory, ulong wal)
    {
        ulong? stored = WalCursor.LowestIn(directory, wal);
        List<WalGap> gaps = [];
        string? before = null;
        foreach (string file in WalSegment.FilesIn(directory))
        {
            ulong number = WalSegment.NumberOf(file);
            ulong expected = (before is null ? stored ?? 0 : Math.Max(stored ?? 0, WalSegment.NumberOf(before))) + 1;
            if (number > expected && WhyMissing(before, file, stored) is { } reason) gaps.Add(new WalGap(expected, number - 1, reason));
            before = file;
        }

        return gaps;
    }

    /// <summary>
    /// Numbers alone say little: one is used up, too, when a segment's file can't be created. But records are counted, and
    /// each segment says which is its first.
    /// </summary>
    private static string? WhyMissing(string? before, string behind, ulong? stored)
    {
        if (before is null) return stored is null ? null : $"the first that is there is {WalSegment.NumberOf(behind)}, and what was stored ends at {stored}";
        try
        {
            WalSegmentContent? earlier = WalReader.Read(before);
            WalSegmentContent? later = WalReader.Read(behind);
            if (earlier is null || later is null) return null;
            ulong next = earlier.Records.Count > 0 ? earlier.Records[^1].Sequence + 1 : earlier.Segment.FirstSequence;
            return later.Segment.FirstSequence > next && earlier.UnreadableBytes == 0 ? $"records {next} to {later.Segment.FirstSequence - 1} were in them" : null;
        }
        catch (InvalidDataException)
        {
            return null; // it is damaged, which is said elsewhere
        }
    }
}
