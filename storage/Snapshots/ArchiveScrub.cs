using System.IO.Hashing;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Snapshots;

/// <summary>What a scrub has read.</summary>
/// <param name="Objects">Objects.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="Damaged">What is wrong, in words, for each that isn't right.</param>
public sealed record ScrubReport(long Objects, long Bytes, IReadOnlyList<string> Damaged);

/// <summary>
/// Reads what lies in the archive before a disaster has to.
/// <list type="number">
/// <item>The newest snapshot, whole: from it a restore begins.</item>
/// <item>Of all other objects those whose turn it is: each once in thirty days.</item>
/// <item>One that isn't right is read again, then condemned: nothing relies on it, and the next snapshot makes it anew where its part is still
/// there. One that is right again, or gone, is condemned no more.</item>
/// </list>
/// </summary>
public sealed class ArchiveScrub(IObjectStore store, ILogger<ArchiveScrub> log)
{
    /// <summary>Each object is read once in so many days.</summary>
    public const int Days = 30;

    private readonly SnapshotCatalogue _catalogue = new(store);
    private readonly List<string> _damaged = [];
    private HashSet<string> _condemned = [];
    private long _objects, _bytes;

    /// <param name="day">Whose turn it is.</param>
    /// <param name="progress">Is told objects that were read.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ObjectDamagedException">There is no archive, or its head can't be read: without the key, for one.</exception>
    /// <exception cref="ObjectStoreException">The store can't be reached.</exception>
    public async Task<ScrubReport> RunAsync(DateOnly day, Action<long> progress, CancellationToken cancellation)
    {
        StoredObject head = await store.GetAsync(ArchiveNames.Head, cancellation).ConfigureAwait(false) ?? throw new ObjectDamagedException($"There is no archive in {store.Address}: {ArchiveNames.Head} is missing.");
        ArchiveHead.Decode(store, head.Content.Span); // who can't read this, for want of the key, would find all damaged
        (_objects, _bytes) = (0, 0);
        _damaged.Clear();
        _condemned = [];
        await foreach (ListedObject condemned in store.ListAsync(SnapshotNames.AllCondemned, null, cancellation).ConfigureAwait(false)) _condemned.Add(condemned.Name);
        IReadOnlyList<SnapshotEntry> snapshots = await _catalogue.ListAsync(cancellation).ConfigureAwait(false);
        HashSet<string> read = [];
        if (snapshots.Count > 0) read.UnionWith(await ReadNewestAsync(snapshots[^1].Id, progress, cancellation).ConfigureAwait(false)); // 1

        int turn = day.DayNumber % Days; // 2
        await foreach (ListedObject found in store.ListAsync(SnapshotNames.AllPacks, null, cancellation).ConfigureAwait(false))
        {
            if (TurnOf(found.Name) != turn || read.Contains(found.Name)) continue;
            var pack = new PackReference(found.Name[SnapshotNames.AllPacks.Length..], found.Length);
            await ReadAsync(found, SnapshotNames.Condemned(pack.Name), () => _catalogue.UnpackAsync(pack, folder: null, progress: null, cancellation), message => message, cancellation).ConfigureAwait(false);
            progress(_objects);
        }

        await foreach (ListedObject found in store.ListAsync(ArchiveNames.AllLogs, null, cancellation).ConfigureAwait(false))
        {
            if (TurnOf(found.Name) != turn) continue;
            await ReadAsync(found, SnapshotNames.Condemned(found.Name.Replace('/', '-')), () => ReadGroupTwiceAsync(found.Name, cancellation), message => $"{message} {Touches(found, snapshots)}", cancellation).ConfigureAwait(false);
            progress(_objects);
        }

        foreach (string condemned in _condemned)
        {
            if (await store.FindAsync(SnapshotNames.OfCondemned(condemned), cancellation).ConfigureAwait(false) is null) await store.DeleteAsync(condemned, cancellation).ConfigureAwait(false);
        }

        return new ScrubReport(_objects, _bytes, [.. _damaged]);
    }

    /// <summary>Returns what it has read.</summary>
    private async Task<IEnumerable<string>> ReadNewestAsync(SnapshotId id, Action<long> progress, CancellationToken cancellation)
    {
        try
        {
            SnapshotManifest manifest = await _catalogue.ReadAsync(id, cancellation).ConfigureAwait(false);
            await _catalogue.VerifyAsync(manifest, _ => { }, cancellation).ConfigureAwait(false);
            (_objects, _bytes) = (_objects + manifest.Packs.Count(), _bytes + manifest.Bytes);
            progress(_objects);
            return manifest.Packs.Select(pack => SnapshotNames.Pack(pack.Name));
        }
        catch (Exception e) when (e is ObjectDamagedException or FileNotFoundException)
        {
            Tell(e.Message);
            return [];
        }
    }

    private async Task ReadAsync(ListedObject found, string condemned, Func<Task> readAsync, Func<string, string> explain, CancellationToken cancellation)
    {
        try
        {
            await readAsync().ConfigureAwait(false);
            if (_condemned.Contains(condemned)) await store.DeleteAsync(condemned, cancellation).ConfigureAwait(false);
        }
        catch (ObjectDamagedException e) // 3
        {
            if (await store.FindAsync(found.Name, cancellation).ConfigureAwait(false) is null) return; // retention has deleted it meanwhile
            await store.CreateAsync(condemned, ObjectContent.Of(Array.Empty<byte>()), cancellation).ConfigureAwait(false);
            Tell(explain(e.Message));
        }

        (_objects, _bytes) = (_objects + 1, _bytes + found.Length);
    }

    private async Task ReadGroupTwiceAsync(string name, CancellationToken cancellation)
    {
        try
        {
            await LogArchiveReader.GetAsync(store, name, cancellation).ConfigureAwait(false);
        }
        catch (ObjectDamagedException)
        {
            await LogArchiveReader.GetAsync(store, name, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Which instants can't be restored without a group: those from it on to the first snapshot that holds it.</summary>
    private static string Touches(ListedObject group, IReadOnlyList<SnapshotEntry> snapshots)
    {
        SnapshotId? next = snapshots.Select(entry => entry.Id).FirstOrDefault(id => group.Name.StartsWith(ArchiveNames.LogOf(id.Epoch), StringComparison.Ordinal) && id.Segment >= ArchiveNames.FirstOf(group.Name) && id.Taken > group.Modified);
        return $"Instants from about {group.Modified.UtcDateTime:u} {(next is null ? "on can't be restored; from the next snapshot on they can: tracestore snapshot create" : $"to {next.Taken.UtcDateTime:u} can't be restored")}.";
    }

    private void Tell(string damage)
    {
        _damaged.Add(damage);
        log.LogError("{Damage}", damage);
    }

    private static int TurnOf(string name) => (int)(XxHash32.HashToUInt32(MemoryMarshal.AsBytes(name.AsSpan())) % Days);
}
