using System.Runtime.CompilerServices;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Restore;

/// <summary>
/// An archive as it was looked at, by two lists, however much is asked of it then: its head, and the names of everything but of that part of the
/// log which the head knows. What was added since isn't seen; what is read is read from the store. A restore plans and reads by it, so that
/// its costs don't grow with what is kept.
/// </summary>
public sealed class ListedArchive : IObjectStore
{
    private readonly IObjectStore _store;
    private readonly StoredObject? _head;
    private readonly string _from;
    private readonly List<ListedObject> _listed;

    private ListedArchive(IObjectStore store, StoredObject? head, string from, List<ListedObject> listed) => (_store, _head, _from, _listed) = (store, head, from, listed);

    public string Address => _store.Address;

    public DateTimeOffset Now => _store.Now;

    /// <summary>Looks at an archive.</summary>
    /// <exception cref="ObjectDamagedException">Its head can't be read.</exception>
    /// <exception cref="ObjectStoreException">The store can't be reached.</exception>
    public static async Task<ListedArchive> ReadAsync(IObjectStore store, CancellationToken cancellation)
    {
        StoredObject? found = await store.GetAsync(ArchiveNames.Head, cancellation).ConfigureAwait(false);
        string from = ArchiveNames.AllLogs;
        if (found is not null)
        {
            ArchiveHead head = ArchiveHead.Decode(store, found.Content.Span);
            from = ArchiveNames.Group(head.Current.Number, head.Frontier.Segment); // the groups behind have later names
        }

        List<ListedObject> listed = await store.ListAsync("", null, cancellation).TakeWhile(listed => string.CompareOrdinal(listed.Name, ArchiveNames.Head) < 0).ToListAsync(cancellation).ConfigureAwait(false);
        await foreach (ListedObject behind in store.ListAsync("", from, cancellation).ConfigureAwait(false)) listed.Add(behind);
        return new ListedArchive(store, found, from, listed);
    }

    public async IAsyncEnumerable<ListedObject> ListAsync(string prefix, string? behind, [EnumeratorCancellation] CancellationToken cancellation)
    {
        string first = behind is null || string.CompareOrdinal(prefix, behind) > 0 ? prefix : behind;
        bool isListed = string.CompareOrdinal(first, _from) >= 0 || (string.CompareOrdinal(prefix, ArchiveNames.Head) < 0 && !ArchiveNames.Head.StartsWith(prefix, StringComparison.Ordinal));
        IAsyncEnumerable<ListedObject> found = isListed
            ? _listed.Where(listed => listed.Name.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(listed.Name, behind) > 0).ToAsyncEnumerable()
            : _store.ListAsync(prefix, behind, cancellation);
        await foreach (ListedObject listed in found.WithCancellation(cancellation).ConfigureAwait(false)) yield return listed;
    }

    public Task<StoredObject?> GetAsync(string name, CancellationToken cancellation) => name == ArchiveNames.Head ? Task.FromResult(_head) : _store.GetAsync(name, cancellation);

    public Task<Stream?> OpenAsync(string name, long offset, long? length, CancellationToken cancellation) => _store.OpenAsync(name, offset, length, cancellation);

    public Task<ListedObject?> FindAsync(string name, CancellationToken cancellation) => _store.FindAsync(name, cancellation);

    public Task<bool> CreateAsync(string name, ObjectContent content, CancellationToken cancellation) => throw LooksOnly();

    public Task<ObjectVersion?> ReplaceAsync(string name, ReadOnlyMemory<byte> content, ObjectVersion? expected, CancellationToken cancellation) => throw LooksOnly();

    public Task DeleteAsync(string name, CancellationToken cancellation) => throw LooksOnly();

    public Task<int> TakeBackForgottenAsync(TimeSpan age, CancellationToken cancellation) => throw LooksOnly();

    /// <summary>The store that was looked at stays open: it is somebody else's.</summary>
    public ValueTask DisposeAsync() => default;

    private static InvalidOperationException LooksOnly() => new("BUG: who looks at an archive changes nothing in it.");
}
