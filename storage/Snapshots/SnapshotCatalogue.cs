using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Snapshots;

/// <summary>A snapshot as the store's list shows it.</summary>
/// <param name="Id">Which.</param>
/// <param name="IsPinned">Whether it is kept until somebody says otherwise.</param>
/// <param name="Verified">When every object of it was last read and found right; null for never.</param>
public sealed record SnapshotEntry(SnapshotId Id, bool IsPinned, DateTimeOffset? Verified);

/// <summary>The snapshots in a store.</summary>
public sealed class SnapshotCatalogue(IObjectStore store)
{
    private const int MaxMissingNamed = 3;

    /// <summary>All there are, oldest first, by one list.</summary>
    public async Task<IReadOnlyList<SnapshotEntry>> ListAsync(CancellationToken cancellation)
    {
        var entries = new SortedDictionary<string, SnapshotEntry>(StringComparer.Ordinal);
        HashSet<string> whole = [];
        await foreach (ListedObject found in store.ListAsync(SnapshotNames.All, null, cancellation).ConfigureAwait(false))
        {
            string[] words = found.Name[SnapshotNames.All.Length..].Split('/');
            if (SnapshotId.Parse(words[0]) is not { } id) continue;
            SnapshotEntry entry = entries.GetValueOrDefault(words[0]) ?? new SnapshotEntry(id, false, null);
            if (found.Name == SnapshotNames.Manifest(id)) whole.Add(words[0]);
            entries[words[0]] = words switch
            {
                [_, "pin"] => entry with { IsPinned = true },
                [_, "verified", _] => entry with { Verified = found.Modified > entry.Verified || entry.Verified is null ? found.Modified : entry.Verified },
                _ => entry,
            };
        }

        return [.. entries.Where(entry => whole.Contains(entry.Key)).Select(entry => entry.Value).OrderBy(entry => entry.Id.Taken)];
    }

    /// <exception cref="FileNotFoundException">There is no such snapshot.</exception>
    /// <exception cref="ObjectDamagedException">Its manifest isn't what was written.</exception>
    public async Task<SnapshotManifest> ReadAsync(SnapshotId id, CancellationToken cancellation)
    {
        string name = SnapshotNames.Manifest(id);
        StoredObject found = await store.GetAsync(name, cancellation).ConfigureAwait(false) ?? throw new FileNotFoundException($"There is no snapshot {id} in {store.Address}. See: tracestore snapshot list");
        return SnapshotManifest.Decode(store, name, found.Content.Span);
    }

    /// <summary>Finds every object that a snapshot needs, by two lists: of its right length, and not condemned.</summary>
    /// <exception cref="ObjectDamagedException">One is missing, shorter or longer, or was found damaged.</exception>
    public async Task ProveAsync(SnapshotManifest manifest, CancellationToken cancellation)
    {
        StoredPacks there = await StoredPacks.ListAsync(store, cancellation).ConfigureAwait(false);
        string[] lacking = [.. manifest.Packs.Where(pack => !there.Has(pack)).Select(pack => SnapshotNames.Pack(pack.Name)).Order(StringComparer.Ordinal)];
        if (lacking.Length == 0) return;
        string names = string.Join(", ", lacking.Take(MaxMissingNamed)) + (lacking.Length > MaxMissingNamed ? ", …" : "");
        throw new ObjectDamagedException($"Snapshot {manifest.Id} in {store.Address} needs {lacking.Length} objects that are missing there, have another length or were found damaged: {names}.");
    }

    /// <summary>Reads every object that a snapshot needs, and notes that they are right; or that one isn't, so that the next snapshot makes it anew.</summary>
    /// <param name="manifest">The snapshot.</param>
    /// <param name="progress">Is told bytes that were read.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ObjectDamagedException">One isn't right: read twice, and twice not.</exception>
    public async Task VerifyAsync(SnapshotManifest manifest, Action<long> progress, CancellationToken cancellation)
    {
        foreach (PackReference pack in manifest.Packs)
        {
            try
            {
                await UnpackAsync(pack, folder: null, progress, cancellation).ConfigureAwait(false);
                await store.DeleteAsync(SnapshotNames.Condemned(pack.Name), cancellation).ConfigureAwait(false);
            }
            catch (ObjectDamagedException)
            {
                await store.CreateAsync(SnapshotNames.Condemned(pack.Name), ObjectContent.Of(Array.Empty<byte>()), cancellation).ConfigureAwait(false);
                throw;
            }
        }

        await store.CreateAsync(SnapshotNames.Verified(manifest.Id, store.Now), ObjectContent.Of(Array.Empty<byte>()), cancellation).ConfigureAwait(false);
    }

    /// <summary>Unpacks an object; one that was damaged on the way is read again.</summary>
    /// <exception cref="ObjectDamagedException">It is damaged, or missing.</exception>
    public async Task UnpackAsync(PackReference pack, string? folder, Action<long>? progress, CancellationToken cancellation)
    {
        string name = SnapshotNames.Pack(pack.Name);
        for (int attempt = 1; ; attempt++)
        {
            if (folder is not null && Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            Stream content = await store.OpenAsync(name, 0, null, cancellation).ConfigureAwait(false)
                ?? throw new ObjectDamagedException($"{name} is missing in {store.Address}.");
            await using (content.ConfigureAwait(false))
            {
                try
                {
                    await FolderPack.UnpackAsync(content, pack.Name, folder, progress, cancellation).ConfigureAwait(false);
                    return;
                }
                catch (Exception e) when (e is InvalidDataException or ObjectDamagedException && attempt == 2)
                {
                    throw e as ObjectDamagedException ?? new ObjectDamagedException($"{name} in {store.Address} is damaged: {e.Message}.", e);
                }
                catch (Exception e) when (e is InvalidDataException or ObjectDamagedException)
                {
                    // once more: only what is damaged twice is damaged in the store
                }
            }
        }
    }

    /// <summary>Keeps a snapshot until it is let go of.</summary>
    public Task PinAsync(SnapshotId id, CancellationToken cancellation) => store.CreateAsync(SnapshotNames.Pin(id), ObjectContent.Of(Array.Empty<byte>()), cancellation);

    /// <summary>Lets go of a pinned snapshot.</summary>
    public Task UnpinAsync(SnapshotId id, CancellationToken cancellation) => store.DeleteAsync(SnapshotNames.Pin(id), cancellation);

    /// <summary>Deletes a snapshot: from now on nothing is restored from it. Its objects stay until nothing has needed them for a while.</summary>
    public async Task DeleteAsync(SnapshotId id, CancellationToken cancellation)
    {
        await store.DeleteAsync(SnapshotNames.Manifest(id), cancellation).ConfigureAwait(false);
        List<string> others = await store.ListAsync($"{SnapshotNames.All}{id}/", null, cancellation).Select(found => found.Name).ToListAsync(cancellation).ConfigureAwait(false);
        foreach (string name in others) await store.DeleteAsync(name, cancellation).ConfigureAwait(false);
    }

    internal async Task CreateAsync(SnapshotManifest manifest, CancellationToken cancellation)
    {
        // The same twice is as good: the same moment and segment have the same content
        await store.CreateAsync(SnapshotNames.Manifest(manifest.Id), ObjectContent.Of(manifest.Encode()), cancellation).ConfigureAwait(false);
    }
}
