using TraceStore.Storage.ClickHouse;

namespace TraceStore.Storage.Snapshots;

/// <summary>Takes snapshots: of all that is stored at a moment. For one caller at a time.</summary>
public interface ISnapshotter
{
    /// <summary>Takes one.</summary>
    /// <param name="acceptsLoss">Whether it is taken though spans are missing that the last one had.</param>
    /// <param name="progress">Is told how far it is.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="IOException">Nothing is archived now, the store can't be reached, or a disk fails: there is no snapshot.</exception>
    /// <exception cref="ClickHouseUnavailableException">Not now.</exception>
    /// <exception cref="ClickHouseRefusedException">ClickHouse refuses it.</exception>
    Task<SnapshotManifest> TakeAsync(bool acceptsLoss, Action<SnapshotProgress> progress, CancellationToken cancellation);

    /// <summary>How long storing waited for the last one; acknowledging never does.</summary>
    TimeSpan LastHold { get; }

    /// <summary>Whether anything is stored.</summary>
    Task<bool> HasAnythingAsync(CancellationToken cancellation);
}

/// <summary>How far a snapshot has come.</summary>
/// <param name="Parts">Parts of which it is known that they are in the store.</param>
/// <param name="OfParts">All parts.</param>
public sealed record SnapshotProgress(int Parts, int OfParts);
