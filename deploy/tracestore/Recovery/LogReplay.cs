using System.Diagnostics;
using System.Globalization;
using TraceStore.Load;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;
using TraceStore.Storage.Spans;
using TraceStore.Storage.Wal;

namespace TraceStore.Recovery;

/// <summary>Which of the archived requests are sent, and how fast.</summary>
/// <param name="From">Received then or later; null for the beginning.</param>
/// <param name="Until">Received then or earlier; null for the end.</param>
/// <param name="MaxSpansPerSecond">Null for as fast as they are taken.</param>
/// <param name="PositionFile">Says how far it came, to go on from there; null for nowhere.</param>
internal sealed record ReplayWishes(DateTimeOffset? From, DateTimeOffset? Until, int? MaxSpansPerSecond, string? PositionFile);

/// <summary>What was sent.</summary>
/// <param name="Spans">Spans that were taken.</param>
/// <param name="Rejected">Spans that the receiver doesn't want.</param>
/// <param name="Refused">Requests that it refuses for good.</param>
/// <param name="Bytes">Of OTLP.</param>
internal readonly record struct ReplayTotals(long Spans, long Rejected, long Refused, long Bytes)
{
    public static ReplayTotals operator +(ReplayTotals left, ReplayTotals right) =>
        new(left.Spans + right.Spans, left.Rejected + right.Rejected, left.Refused + right.Refused, left.Bytes + right.Bytes);
}

/// <summary>
/// Sends archived requests to an OTLP endpoint, as they came. Group by group: the requests of one go side by side, and the next begins when all
/// are answered. Where it is broken off, the next one goes on with the group in hand, so what was sent of that is sent again.
/// </summary>
internal sealed class LogReplay(IObjectStore store, OtlpSender receiver, ReplayWishes wishes, Action<ReplayTotals> progress)
{
    private const int RequestsAtOnce = 8;

    private readonly ulong _from = UnixNano(wishes.From) ?? 0;
    private readonly ulong _until = UnixNano(wishes.Until) ?? ulong.MaxValue;
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly Lock _lock = new();
    private ReplayTotals _totals;

    /// <exception cref="IOException">The archive can't be read.</exception>
    public async Task<ReplayTotals> RunAsync(RestorePlan plan, CancellationToken cancellation)
    {
        (uint epoch, ulong first)? position = ReadPosition();
        foreach (RestoreStretch stretch in plan.Stretches)
        {
            if (position is { } at && stretch.Epoch.Number < at.epoch) continue;
            ulong next = position is { } here && stretch.Epoch.Number == here.epoch ? here.first : stretch.FirstGroup;
            await foreach (LogGroup group in new LogArchiveReader(store).ReadAsync(stretch.Epoch.Number, next, stretch.Known.Segment, cancellation).ConfigureAwait(false))
            {
                if (!stretch.IsWhole && group.Place.First > stretch.Known.Segment) break; // what an old writer still sent
                await SendAsync(group, stretch, cancellation).ConfigureAwait(false);
                WritePosition(stretch.Epoch.Number, group.Place.Last + 1);
            }
        }

        return _totals;
    }

    private async Task SendAsync(LogGroup group, RestoreStretch stretch, CancellationToken cancellation)
    {
        ulong until = Math.Min(_until, UnixNano(stretch.Until) ?? ulong.MaxValue);
        if (group.Counts.Records == 0 || group.Counts.EarliestUnixNano > until || group.Counts.LatestUnixNano < _from) return;
        IEnumerable<WalRecord> records =
            from segment in @group.Segments
            from record in segment.Read(ArchiveNames.Group(@group.Place.Epoch, @group.Place.First))?.Records ?? []
            where record.ReceiveTimeUnixNano >= _from && record.ReceiveTimeUnixNano <= until
            select record;
        await Parallel.ForEachAsync(
            records, new ParallelOptions { MaxDegreeOfParallelism = RequestsAtOnce, CancellationToken = cancellation },
            async (record, token) => await SendAsync(record, token).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private async Task SendAsync(WalRecord record, CancellationToken cancellation)
    {
        byte[] buffer = ByteBuffers.Rent(record.RequestBytes);
        try
        {
            record.CopyRequestTo(buffer.AsSpan(0, record.RequestBytes));
            await WaitForTurnAsync(cancellation).ConfigureAwait(false);
            while (true)
            {
                SendOutcome outcome = await receiver.SendAsync(buffer.AsMemory(0, record.RequestBytes), cancellation).ConfigureAwait(false);
                if (outcome.IsTaken) Note(new ReplayTotals(record.SpanCount - outcome.RejectedSpans, outcome.RejectedSpans, 0, record.RequestBytes));
                else if (outcome.RetryAfter is { } pause)
                {
                    await Task.Delay(pause, cancellation).ConfigureAwait(false);
                    continue;
                }
                else
                {
                    Note(new ReplayTotals(0, 0, 1, 0));
                    Console.Error.WriteLine($"Record {record.Sequence} is refused: {outcome.Failure}");
                }

                return;
            }
        }
        finally
        {
            ByteBuffers.Return(buffer);
        }
    }

    /// <summary>Waits until as many spans may have been sent as have been.</summary>
    private async Task WaitForTurnAsync(CancellationToken cancellation)
    {
        if (wishes.MaxSpansPerSecond is not { } rate) return;
        long sent;
        lock (_lock) sent = _totals.Spans;
        TimeSpan ahead = TimeSpan.FromSeconds((double)sent / rate) - Stopwatch.GetElapsedTime(_started);
        if (ahead > TimeSpan.Zero) await Task.Delay(ahead, cancellation).ConfigureAwait(false);
    }

    private void Note(ReplayTotals more)
    {
        lock (_lock)
        {
            _totals += more;
            progress(_totals);
        }
    }

    private (uint Epoch, ulong First)? ReadPosition()
    {
        if (wishes.PositionFile is not { } path || !File.Exists(path)) return null;
        string[] words = File.ReadAllText(path).Trim().Split(' ');
        return words.Length == 2 && uint.TryParse(words[0], CultureInfo.InvariantCulture, out uint epoch) && ulong.TryParse(words[1], CultureInfo.InvariantCulture, out ulong first)
            ? (epoch, first)
            : throw new InvalidDataException($"{path} doesn't say how far a replay came: expected an epoch and a segment. Delete it to begin anew.");
    }

    private void WritePosition(uint epoch, ulong first)
    {
        if (wishes.PositionFile is { } path) DurableFile.Replace(Path.GetFullPath(path), System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{epoch} {first}\n")));
    }

    private static ulong? UnixNano(DateTimeOffset? time) => time is { } instant ? (ulong)Math.Max(0, (instant - DateTimeOffset.UnixEpoch).Ticks) * TimeSpan.NanosecondsPerTick : null;
}
