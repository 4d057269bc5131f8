using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Snapshots;

/// <summary>The log's quarantine as it is at a moment, held for a snapshot.</summary>
internal sealed class HeldQuarantine(string walDirectory)
{
    private readonly string _folder = Path.Combine(walDirectory, "quarantine-held");
    private bool _isAny;

    /// <summary>Holds it.</summary>
    public void Hold() => _isAny = new Quarantine(walDirectory).CopyTo(_folder);

    /// <summary>Puts it into the store; null where nothing is in it.</summary>
    public async Task<PackReference?> PackAsync(PackWriter packs, CancellationToken cancellation) => _isAny ? await packs.WriteAsync(_folder, cancellation).ConfigureAwait(false) : null;

    /// <summary>Lets go of it, also of what a killed process held.</summary>
    public void LetGo()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }
}
