namespace TraceStore.Storage.Wal;

/// <summary>What the log's writer is given, in order: a record on its way to the disk, or a mark.</summary>
/// <param name="Record">The record; empty for a mark.</param>
/// <param name="Fill">What it adds to a segment.</param>
/// <param name="Taken">Tells a resend.</param>
internal sealed record PendingAppend(EncodedRecord Record, SegmentFill Fill, TakenRequest Taken)
{
    /// <summary>Wakes the writer to look whether its segment has become old.</summary>
    public static readonly PendingAppend SealTick = new(new EncodedRecord([], 0, 0), default, default);

    /// <summary>Completes when the record is durable.</summary>
    public TaskCompletionSource Durable { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>For a mark: completes with the number of the segment that holds the last of what came before it.</summary>
    public TaskCompletionSource<ulong>? Reached { get; private init; }

    public static PendingAppend NewMark() =>
        new(new EncodedRecord([], 0, 0), default, default) { Reached = new TaskCompletionSource<ulong>(TaskCreationOptions.RunContinuationsAsynchronously) };
}
