using System.Runtime.CompilerServices;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Tests;

/// <summary>An object store in memory, for tests that need many of them. It holds the same contract as the real ones.</summary>
public sealed class MemoryStore : IObjectStore
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, (byte[] Content, ObjectVersion Version)> _objects = new(StringComparer.Ordinal);
    private long _written;

    /// <summary>Is asked before a call and after it, by the operation's and the object's name: throws where the call is to fail.</summary>
    public Action<string, string, bool> Before { get; set; } = (_, _, _) => { };

    public string Address => "memory";

    public DateTimeOffset Now => Clock();

    /// <summary>The store's clock.</summary>
    public Func<DateTimeOffset> Clock { get; set; } = () => DateTimeOffset.UtcNow;

    public byte[]? this[string name]
    {
        get
        {
            lock (_lock) return _objects.TryGetValue(name, out var found) ? found.Content : null;
        }

        set
        {
            lock (_lock) Write(name, value!);
        }
    }

    public async Task<bool> CreateAsync(string name, ObjectContent content, CancellationToken cancellation)
    {
        byte[] bytes = new byte[content.Length];
        using (Stream source = content.Open()) await source.ReadExactlyAsync(bytes, cancellation);
        return Call("create", name, () =>
        {
            if (_objects.ContainsKey(name)) return false;
            Write(name, bytes);
            return true;
        });
    }

    public Task<ObjectVersion?> ReplaceAsync(string name, ReadOnlyMemory<byte> content, ObjectVersion? expected, CancellationToken cancellation) => Task.FromResult(Call("replace", name, () =>
    {
        ObjectVersion? found = _objects.TryGetValue(name, out var there) ? there.Version : null;
        return found == expected ? Write(name, content.ToArray()) : (ObjectVersion?)null;
    }));

    public Task<StoredObject?> GetAsync(string name, CancellationToken cancellation) =>
        Task.FromResult(Call("get", name, () => _objects.TryGetValue(name, out var found) ? new StoredObject(found.Content, found.Version) : null));

    public Task<Stream?> OpenAsync(string name, long offset, long? length, CancellationToken cancellation) => Task.FromResult(Call("open", name, () =>
    {
        if (!_objects.TryGetValue(name, out var found)) return (Stream?)null;
        int start = (int)Math.Min(offset, found.Content.Length);
        return new MemoryStream(found.Content, start, (int)Math.Min(found.Content.Length - start, length ?? int.MaxValue), writable: false);
    }));

    public Task<ListedObject?> FindAsync(string name, CancellationToken cancellation) =>
        Task.FromResult(Call("find", name, () => _objects.TryGetValue(name, out var found) ? new ListedObject(name, found.Content.Length, Now) : null));

    public async IAsyncEnumerable<ListedObject> ListAsync(string prefix, string? behind, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.CompletedTask;
        ListedObject[] found = Call("list", prefix, () => _objects
            .Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(pair.Key, behind) > 0)
            .Select(pair => new ListedObject(pair.Key, pair.Value.Content.Length, Now)).ToArray());
        foreach (ListedObject one in found) yield return one;
    }

    public Task DeleteAsync(string name, CancellationToken cancellation) => Task.FromResult(Call("delete", name, () => _objects.Remove(name)));

    public Task<int> TakeBackForgottenAsync(TimeSpan age, CancellationToken cancellation) => Task.FromResult(0);

    public ValueTask DisposeAsync() => default;

    private T Call<T>(string operation, string name, Func<T> call)
    {
        if (operation != "list") ObjectName.Check(name);
        Before(operation, name, true);
        T result;
        lock (_lock) result = call();
        Before(operation, name, false);
        return result;
    }

    private ObjectVersion Write(string name, byte[] content)
    {
        var version = new ObjectVersion($"{++_written}");
        _objects[name] = (content, version);
        return version;
    }
}
