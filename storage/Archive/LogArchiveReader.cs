using System.Runtime.CompilerServices;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Archive;

/// <summary>The archived log isn't what it must be. The message says what is missing, and what that means.</summary>
public sealed class ArchiveBrokenException(string message) : IOException(message);

/// <summary>Reads the archived log, group after group: the name of each follows from the one before, so nothing is listed.</summary>
public sealed class LogArchiveReader(IObjectStore store)
{
    /// <summary>The groups of an epoch, from one on.</summary>
    /// <param name="epoch">Which.</param>
    /// <param name="first">The first segment of a group.</param>
    /// <param name="frontier">Up to here there must be groups; behind, there may be.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ArchiveBrokenException">One is missing, though there are later ones.</exception>
    /// <exception cref="ObjectDamagedException">One isn't what was written.</exception>
    public async IAsyncEnumerable<LogGroup> ReadAsync(uint epoch, ulong first, ulong frontier, [EnumeratorCancellation] CancellationToken cancellation)
    {
        while (true)
        {
            string name = ArchiveNames.Group(epoch, first);
            LogGroup? group = await GetAsync(store, name, cancellation).ConfigureAwait(false)
                ?? await AtEndAsync(epoch, name, first, frontier, cancellation).ConfigureAwait(false);
            if (group is null) yield break;

            yield return group;
            first = group.Place.Last + 1;
        }
    }

    /// <summary>The last group that begins no later than a segment, or where it would be.</summary>
    /// <param name="epoch">Of which epoch.</param>
    /// <param name="from">A group that does, or where it would be.</param>
    /// <param name="segment">The segment.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>The segment that it begins with.</returns>
    public async Task<ulong> FindGroupAsync(uint epoch, ulong from, ulong segment, CancellationToken cancellation)
    {
        await foreach (ListedObject group in store.ListAsync(ArchiveNames.LogOf(epoch), ArchiveNames.Group(epoch, from), cancellation).ConfigureAwait(false))
        {
            if (ArchiveNames.FirstOf(group.Name) is not { } first || first > segment) break;
            from = first;
        }

        return from;
    }

    /// <summary>One group; null where there is none.</summary>
    internal static async Task<LogGroup?> GetAsync(IObjectStore store, string name, CancellationToken cancellation) =>
        await store.GetAsync(name, cancellation).ConfigureAwait(false) is { } found ? LogGroup.Decode(store, name, found.Content) : null;

    /// <summary>Tells the log's end from a hole: behind the end nothing comes. Of a log that grows meanwhile, what has come.</summary>
    private async Task<LogGroup?> AtEndAsync(uint epoch, string name, ulong first, ulong frontier, CancellationToken cancellation)
    {
        ListedObject? later = await store.ListAsync(ArchiveNames.LogOf(epoch), name, cancellation).FirstOrDefaultAsync(cancellation).ConfigureAwait(false);
        if (later is null && first > frontier) return null;
        if (await GetAsync(store, name, cancellation).ConfigureAwait(false) is { } group) return group;
        string what = later is null ? $"the archive is known to go up to segment {frontier}" : $"{later.Name} comes later";
        throw new ArchiveBrokenException($"{name} is missing in {store.Address}, though {what}: what was received in it is lost from the archive.");
    }
}
