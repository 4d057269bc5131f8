namespace TraceStore.Storage.ObjectStorage;

/// <summary>
/// Bytes by name, kept where the disaster is not: a directory, or a bucket of an S3-compatible store. Objects are written once and never
/// changed, but for one small one that is replaced by compare-and-swap. Names are those that <see cref="ObjectName"/> allows. Any
/// thread may call it. What passes by itself is tried again within; every method throws <see cref="ObjectStoreException"/> for what doesn't.
/// </summary>
public interface IObjectStore : IAsyncDisposable
{
    /// <summary>What messages call it: a path, or s3://bucket/prefix.</summary>
    string Address { get; }

    /// <summary>The store's own clock, as its newest answer told it: all that share a store share this clock.</summary>
    DateTimeOffset Now { get; }

    /// <summary>Creates an object, all of it or nothing, durably.</summary>
    /// <returns>
    /// False when there is one of that name, whose content is untouched. It may be this very one: an earlier attempt may have landed
    /// though its answer was lost. So who must know compares what is there.
    /// </returns>
    Task<bool> CreateAsync(string name, ObjectContent content, CancellationToken cancellation);

    /// <summary>Replaces a small object if it is still what it was, durably.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="content">What it shall be. It must differ from every content that anyone else may put there.</param>
    /// <param name="expected">The version it must have; null when there must be none.</param>
    /// <returns>Its version now; null when it had another one, which stays.</returns>
    Task<ObjectVersion?> ReplaceAsync(string name, ReadOnlyMemory<byte> content, ObjectVersion? expected, CancellationToken cancellation);

    /// <summary>A small object, whole (320 MiB at most); null where there is none.</summary>
    Task<StoredObject?> GetAsync(string name, CancellationToken cancellation);

    /// <summary>
    /// Reads an object from an offset on, up to its end or for so many bytes; goes on where a connection broke. Null where there is none.
    /// The stream's length is what it will give.
    /// </summary>
    Task<Stream?> OpenAsync(string name, long offset, long? length, CancellationToken cancellation);

    /// <summary>What is known of an object without reading it; null where there is none.</summary>
    Task<ListedObject?> FindAsync(string name, CancellationToken cancellation);

    /// <summary>Objects whose names begin so, behind one of them, in order of their names' bytes.</summary>
    IAsyncEnumerable<ListedObject> ListAsync(string prefix, string? behind, CancellationToken cancellation);

    /// <summary>Deletes an object; one that isn't there is as good.</summary>
    Task DeleteAsync(string name, CancellationToken cancellation);

    /// <summary>Takes back what was begun so long ago and never became an object, which costs and which no list shows.</summary>
    /// <returns>How many there were.</returns>
    Task<int> TakeBackForgottenAsync(TimeSpan age, CancellationToken cancellation);
}

/// <summary>Tells two contents of one object apart. Opaque: never a checksum.</summary>
public readonly record struct ObjectVersion(string Tag);

/// <summary>A small object.</summary>
/// <param name="Content">Its bytes.</param>
/// <param name="Version">To replace it by.</param>
public sealed record StoredObject(ReadOnlyMemory<byte> Content, ObjectVersion Version);

/// <summary>An object as a list shows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Modified">When it was written, by the store's clock.</param>
public sealed record ListedObject(string Name, long Length, DateTimeOffset Modified);
