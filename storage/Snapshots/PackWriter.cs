using Microsoft.Extensions.Logging;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Snapshots;

/// <summary>Puts folders' files into a store, each folder as one object.</summary>
internal sealed class PackWriter(IObjectStore store, ILogger log)
{
    /// <summary>Named by what it is, one that is there already is the same; but for one that was cut, or was found damaged: it is made anew.</summary>
    public async Task<PackReference> WriteAsync(string folder, CancellationToken cancellation)
    {
        FolderPack pack = await FolderPack.OfAsync(folder, cancellation).ConfigureAwait(false);
        (string name, string condemned) = (SnapshotNames.Pack(pack.Name), SnapshotNames.Condemned(pack.Name));
        if (await store.CreateAsync(name, pack.Content, cancellation).ConfigureAwait(false)) return new PackReference(pack.Name, pack.Content.Length);
        bool isRight = await store.FindAsync(condemned, cancellation).ConfigureAwait(false) is null && (await store.FindAsync(name, cancellation).ConfigureAwait(false))?.Length == pack.Content.Length;
        if (!isRight)
        {
            log.LogWarning("{Name} in {Store} was damaged, and is made anew.", name, store.Address);
            await store.DeleteAsync(name, cancellation).ConfigureAwait(false);
            await store.CreateAsync(name, pack.Content, cancellation).ConfigureAwait(false);
            await store.DeleteAsync(condemned, cancellation).ConfigureAwait(false);
        }

        return new PackReference(pack.Name, pack.Content.Length);
    }
}
