using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace TraceStore.Storage.Wal;

/// <summary>What an earlier process left in the log's folder, and where the next one goes on.</summary>
/// <param name="Identity">The log's identity; a new one where there was no log.</param>
/// <param name="NextSegment">The number of the next segment.</param>
/// <param name="NextSequence">The sequence of the next record.</param>
/// <param name="Segments">Bytes of the segments that are there, by number: all of them sealed from now on.</param>
/// <param name="NewestTime">When the newest segment was created; null where there is none.</param>
/// <param name="Taken">The requests that a client whose acknowledgement was lost may send again.</param>
/// <param name="Unjournaled">Those of them that only segments know, which go when they are stored.</param>
internal sealed record WalRecovery(
    ulong Identity, ulong NextSegment, ulong NextSequence, IReadOnlyDictionary<ulong, long> Segments, DateTimeOffset? NewestTime, IReadOnlyList<TakenRequest> Taken, IReadOnlyList<TakenRequest> Unjournaled)
{
    /// <summary>
    /// Looks through the folder.
    /// <list type="number">
    /// <item>Find the newest segment that has a header; newer files without one hold nothing that was acknowledged.</item>
    /// <item>Cut off its torn tail, and make the rest durable.</item>
    /// <item>Say which segments should be there and aren't.</item>
    /// <item>Collect the requests of the last ten minutes: from the journal, and from segments that it doesn't know yet.</item>
    /// <item>Go on behind it, and behind any file or cursor that knows a higher number.</item>
    /// </list>
    /// </summary>
    public static WalRecovery Run(string directory, TimeProvider time, ILogger log)
    {
        ulong highest = WalSegment.FilesIn(directory).Select(WalSegment.NumberOf).DefaultIfEmpty().Max();
        WalSegmentContent? newest = FindNewest(directory, log); // 1
        if (newest is null) return new WalRecovery(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong))), highest + 1, 1, new Dictionary<ulong, long>(), null, [], []);

        CutTornTail(newest, log); // 2
        SayWhatIsMissing(directory, newest.Segment.Wal, log); // 3
        (TakenRequest[] taken, TakenRequest[] unjournaled) = CollectTaken(directory, newest.Segment.Wal, time.GetUtcNow() - ResendWindow.Length); // 4
        return new WalRecovery(
            newest.Segment.Wal,
            Math.Max(highest, WalCursor.HighestIn(directory, newest.Segment.Wal)) + 1,
            newest.Records.Count > 0 ? newest.Records[^1].Sequence + 1 : newest.Segment.FirstSequence,
            WalSegment.FilesIn(directory).ToDictionary(WalSegment.NumberOf, file => new FileInfo(file).Length),
            DateTimeOffset.UnixEpoch.AddTicks((long)(newest.Segment.CreateTimeUnixNano / TimeSpan.NanosecondsPerTick)),
            taken,
            unjournaled); // 5
    }

    private static WalSegmentContent? FindNewest(string directory, ILogger log)
    {
        foreach (string file in WalSegment.FilesIn(directory).Reverse())
        {
            try
            {
                if (WalReader.Read(file) is { } content) return content;
                File.Delete(file);
            }
            catch (InvalidDataException e)
            {
                // Whoever stores it sets it aside
                log.LogError("{Cause} TraceStore goes on without it. Check the disk.", e.Message);
            }
        }

        return null;
    }

    private static void SayWhatIsMissing(string directory, ulong wal, ILogger log)
    {
        foreach (WalGap gap in WalGap.FindIn(directory, wal))
        {
            new Quarantine(directory).NoteMissing(gap.First, gap.Last, gap.Reason);
            log.LogError(
                "Segments {First} to {Last} of the write-ahead log are missing, which weren't stored yet: {Reason}. Their spans are lost, unless a snapshot or their sender has them. TraceStore goes on without them. Check the disk.",
                gap.First, gap.Last, gap.Reason);
        }
    }

    private static void CutTornTail(WalSegmentContent newest, ILogger log)
    {
        using var file = new FileStream(newest.Segment.Path, FileMode.Open, FileAccess.Write);
        if (file.Length != newest.ValidBytes)
        {
            log.LogInformation(
                "The write-ahead log's last write was torn: dropped {Bytes} bytes that were never acknowledged from {Segment}.",
                file.Length - newest.ValidBytes, newest.Segment.Path);
            file.SetLength(newest.ValidBytes);
        }

        // Killed between its write and its sync, the process may have left records that only memory holds. Their resends
        // will be acknowledged.
        DirectorySync.SyncFile(file.SafeFileHandle);
    }

    private static (TakenRequest[] All, TakenRequest[] Unjournaled) CollectTaken(string directory, ulong wal, DateTimeOffset since)
    {
        ulong oldest = (ulong)(since - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
        (IReadOnlyList<TakenRequest> journal, ulong through) = ResendJournal.Read(directory, wal);
        TakenRequest[] unjournaled =
        [
            .. from file in WalSegment.FilesIn(directory)
               where WalSegment.NumberOf(file) > through && File.GetLastWriteTimeUtc(file) >= since
               from record in ReadRecords(file)
               where record.ReceiveTimeUnixNano >= oldest
               select new TakenRequest(record.RequestHash, record.ReceiveTimeUnixNano),
        ];
        return ([.. journal.Where(request => request.ReceiveTimeUnixNano >= oldest), .. unjournaled], unjournaled);
    }

    private static IReadOnlyList<WalRecord> ReadRecords(string file)
    {
        try
        {
            return WalReader.Read(file)?.Records ?? [];
        }
        catch (InvalidDataException)
        {
            return []; // whoever stores it sets it aside
        }
    }
}
