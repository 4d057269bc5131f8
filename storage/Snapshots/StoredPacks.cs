using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Snapshots;

/// <summary>The packs that are in a store, by two lists: of what there is, and of what was found damaged.</summary>
public sealed class StoredPacks
{
    private readonly Dictionary<string, long> _lengths = [];
    private readonly HashSet<string> _condemned = [];

    /// <summary>The names of all their objects, damaged or not.</summary>
    public IReadOnlyCollection<string> Names => _lengths.Keys;

    /// <exception cref="ObjectStoreException">The store can't be reached.</exception>
    public static async Task<StoredPacks> ListAsync(IObjectStore store, CancellationToken cancellation)
    {
        var packs = new StoredPacks();
        await foreach (ListedObject found in store.ListAsync(SnapshotNames.AllPacks, null, cancellation).ConfigureAwait(false)) packs._lengths[found.Name] = found.Length;
        await foreach (ListedObject found in store.ListAsync(SnapshotNames.AllCondemned, null, cancellation).ConfigureAwait(false)) packs._condemned.Add(SnapshotNames.OfCondemned(found.Name));
        return packs;
    }

    /// <summary>Whether one is there, of its right length, and wasn't found damaged.</summary>
    public bool Has(PackReference pack) => SnapshotNames.Pack(pack.Name) is var name && _lengths.GetValueOrDefault(name, -1) == pack.Bytes && !_condemned.Contains(name);
}
