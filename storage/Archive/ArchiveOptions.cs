namespace TraceStore.Storage.Archive;

/// <summary>How the log is archived.</summary>
public sealed record ArchiveOptions
{
    /// <summary>How long a sealed segment waits for more to go with it.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A group as large as this goes at once.</summary>
    public int MaxGroupBytes { get; init; } = 8 << 20;

    /// <summary>For how long a writer has the archive to itself without renewing.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often it renews, and so tells how far the archive goes when nothing comes.</summary>
    public TimeSpan RenewEvery { get; init; } = TimeSpan.FromSeconds(10);
}
