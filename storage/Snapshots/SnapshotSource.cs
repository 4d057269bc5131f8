using TraceStore.Storage.ClickHouse;

namespace TraceStore.Storage.Snapshots;

/// <summary>What a snapshot is taken of.</summary>
public sealed record SnapshotSource
{
    /// <summary>The log's folder.</summary>
    public required string WalDirectory { get; init; }

    /// <summary>Nothing that is stored was received later.</summary>
    public required Func<DateTimeOffset> NewestReceived { get; init; }

    /// <summary>Runs something while nothing is being stored, telling it up to which segment of the log everything is.</summary>
    public required BetweenBlocks BetweenBlocksAsync { get; init; }

    /// <summary>The newest of some snapshots that holds nothing but what the present log went on from; null for none.</summary>
    public required Func<IEnumerable<SnapshotId>, CancellationToken, Task<SnapshotId?>> FindLastAsync { get; init; }

    /// <summary>Whether a day was dropped because it was too old or too much: what else is missing is lost.</summary>
    public required Func<string, bool> WasDropped { get; init; }

    /// <summary>Completes when the engine's writes have succeeded; throws an <see cref="IOException"/> where some haven't.</summary>
    public required Func<CancellationToken, Task> CheckEngineAsync { get; init; }

    /// <summary>TraceStore's version.</summary>
    public required string Version { get; init; }

    /// <summary>Settings that aren't the default.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>Settings that are set and not told.</summary>
    public IReadOnlyList<string> Secrets { get; init; } = [];
}

/// <summary>Runs something between two blocks.</summary>
public delegate Task<(ulong Segment, IReadOnlyList<FrozenPart> Parts)> BetweenBlocks(Func<ulong, Task<(ulong Segment, IReadOnlyList<FrozenPart> Parts)>> action, CancellationToken cancellation);
