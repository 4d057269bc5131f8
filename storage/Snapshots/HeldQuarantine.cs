using TraceStore.Storage.Wal;

namespace TraceStore.Storage.Snapshots;

/// <summary>The log's quarantine as it is at a moment, held for a snapshot.</summary>
public sealed class HeldQuarantine(string walDirectory)
{
    private readonly string _folder = Path.Combine(walDirectory, "quarantine-held");
    private bool _isAny;

    /// <summary>Holds it.</summary>
    public void Hold() => _isAny = new Quarantine(walDirectory).CopyTo(_folder);

    /// <summary>Puts it into the store; null where nothing is in it.</summary>
    internal async Task<PackReference?> PackAsync(PackWriter packs, CancellationToken cancellation) => _isAny ? await packs.WriteAsync(_folder, cancellation).ConfigureAwait(false) : null;

    /// <summary>Lets go of it, also of what a killed process held.</summary>
    public void LetGo()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Brings what a snapshot has of it back, to where <c>tracestore quarantine</c> finds it. What lies there of the same name stays.</summary>
    public static async Task BringBackAsync(SnapshotCatalogue catalogue, SnapshotManifest manifest, string walDirectory, CancellationToken cancellation)
    {
        if (manifest.Quarantine is null) return;
        string folder = Directory.CreateDirectory(Path.Combine(walDirectory, "quarantine")).FullName, beside = folder + ".new";
        await catalogue.UnpackAsync(manifest.Quarantine, beside, progress: null, cancellation).ConfigureAwait(false);
        DirectorySync.SyncFileSystem(beside);
        foreach (string file in Directory.GetFiles(beside).OrderDescending(StringComparer.Ordinal)) // reasons come before what they are for
        {
            string target = Path.Combine(folder, Path.GetFileName(file));
            if (!File.Exists(target)) File.Move(file, target);
        }

        DirectorySync.Sync(folder);
        Directory.Delete(beside, recursive: true);
    }
}
