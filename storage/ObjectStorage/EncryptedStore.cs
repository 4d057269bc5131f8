using System.Runtime.CompilerServices;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>Encrypts what goes into a store and decrypts what comes back; names, and roughly lengths, stay visible.</summary>
public sealed class EncryptedStore(IObjectStore inner, EncryptionKeys keys) : IObjectStore
{
    public string Address => inner.Address;

    public DateTimeOffset Now => inner.Now;

    public async Task<bool> CreateAsync(string name, ObjectContent content, CancellationToken cancellation)
    {
        ObjectName.Check(name);
        using var target = EncryptedObject.New(keys, name);
        var encrypted = new ObjectContent(EncryptedObject.EncryptedLength(name, content.Length), () => new EncryptingStream(target, content.Open(), content.Length));
        return await inner.CreateAsync(name, encrypted, cancellation).ConfigureAwait(false);
    }

    public async Task<ObjectVersion?> ReplaceAsync(string name, ReadOnlyMemory<byte> content, ObjectVersion? expected, CancellationToken cancellation)
    {
        ObjectName.Check(name);
        using var target = EncryptedObject.New(keys, name);
        byte[] encrypted = new byte[EncryptedObject.EncryptedLength(name, content.Length)];
        using (var stream = new EncryptingStream(target, ObjectContent.Of(content).Open(), content.Length)) await stream.ReadExactlyAsync(encrypted, cancellation).ConfigureAwait(false);
        return await inner.ReplaceAsync(name, encrypted, expected, cancellation).ConfigureAwait(false);
    }

    public async Task<StoredObject?> GetAsync(string name, CancellationToken cancellation)
    {
        if (await inner.GetAsync(name, cancellation).ConfigureAwait(false) is not { } stored) return null;
        Stream encrypted = ObjectContent.Of(stored.Content).Open();
        using Stream plain = await DecryptAsync(name, encrypted, encrypted, stored.Content.Length, offset: 0, most: null, cancellation).ConfigureAwait(false);
        byte[] content = new byte[plain.Length];
        using var target = new MemoryStream(content);
        await plain.CopyToAsync(target, cancellation).ConfigureAwait(false); // to its end: of an empty object, too, a chunk is looked at
        return new StoredObject(content, stored.Version);
    }

    public async Task<Stream?> OpenAsync(string name, long offset, long? length, CancellationToken cancellation)
    {
        long chunk = offset / EncryptedObject.ChunkBytes;
        if (chunk == 0 && length is null)
        {
            if (await inner.OpenAsync(name, 0, null, cancellation).ConfigureAwait(false) is not { } whole) return null;
            return await DecryptAsync(name, whole, whole, whole.Length, offset, null, cancellation).ConfigureAwait(false);
        }

        if (await inner.FindAsync(name, cancellation).ConfigureAwait(false) is not { } found) return null;
        int header = EncryptedObject.HeaderBytes(name);
        long first = header + (chunk * (EncryptedObject.ChunkBytes + EncryptedObject.TagBytes));
        if (await inner.OpenAsync(name, 0, header, cancellation).ConfigureAwait(false) is not { } start) return null;
        await using (start.ConfigureAwait(false))
        {
            if (await inner.OpenAsync(name, first, null, cancellation).ConfigureAwait(false) is not { } chunks) return null;
            return await DecryptAsync(name, start, chunks, found.Length, offset, length, cancellation).ConfigureAwait(false);
        }
    }

    public async Task<ListedObject?> FindAsync(string name, CancellationToken cancellation) =>
        await inner.FindAsync(name, cancellation).ConfigureAwait(false) is { } found ? Plain(found) : null;

    public async IAsyncEnumerable<ListedObject> ListAsync(string prefix, string? behind, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (ListedObject found in inner.ListAsync(prefix, behind, cancellation).ConfigureAwait(false)) yield return Plain(found);
    }

    public Task DeleteAsync(string name, CancellationToken cancellation) => inner.DeleteAsync(name, cancellation);

    public Task<int> TakeBackForgottenAsync(TimeSpan age, CancellationToken cancellation) => inner.TakeBackForgottenAsync(age, cancellation);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    /// <summary>Decrypts a file that was taken from a store, by itself: for who has nothing but the object and the key.</summary>
    /// <returns>The name that it had.</returns>
    /// <exception cref="ObjectDamagedException">It isn't an encrypted object, or not the whole of one.</exception>
    public static async Task<string> DecryptFileAsync(EncryptionKeys keys, Stream encrypted, Stream plain, CancellationToken cancellation)
    {
        byte[] fixedPart = new byte[EncryptedObject.FixedHeaderBytes];
        int read = await encrypted.ReadAtLeastAsync(fixedPart, fixedPart.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        if (!EncryptedObject.IsEncrypted(fixedPart.AsSpan(0, read))) throw new ObjectDamagedException("This isn't an encrypted object of TraceStore's.");
        byte[] header = [.. fixedPart, .. new byte[EncryptedObject.HeaderBytes((ReadOnlySpan<byte>)fixedPart) - fixedPart.Length]];
        await encrypted.ReadExactlyAsync(header.AsMemory(fixedPart.Length), cancellation).ConfigureAwait(false);
        string name = EncryptedObject.NameIn(header);
        encrypted.Position = 0;
        using Stream decrypted = await DecryptAsync(keys, "this file", name, encrypted, encrypted, encrypted.Length, 0, null, cancellation).ConfigureAwait(false);
        await decrypted.CopyToAsync(plain, cancellation).ConfigureAwait(false);
        return name;
    }

    private static ListedObject Plain(ListedObject found) => found with { Length = Math.Max(0, EncryptedObject.PlainLength(found.Name, found.Length)) };

    private Task<Stream> DecryptAsync(string name, Stream header, Stream chunks, long encryptedLength, long offset, long? most, CancellationToken cancellation) =>
        DecryptAsync(keys, inner.Address, name, header, chunks, encryptedLength, offset, most, cancellation);

    /// <summary>Begins to decrypt an object from an offset on.</summary>
    private static async Task<Stream> DecryptAsync(
        EncryptionKeys keys, string address, string name, Stream header, Stream chunks, long encryptedLength, long offset, long? most, CancellationToken cancellation)
    {
        try
        {
            long length = EncryptedObject.PlainLength(name, encryptedLength);
            byte[] start = new byte[EncryptedObject.HeaderBytes(name)];
            int read = await header.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
            EncryptedObject source = EncryptedObject.Open(keys, start[..read]);
            if (read < start.Length || length < 0 || EncryptedObject.EncryptedLength(name, length) != encryptedLength) throw new InvalidDataException($"it has {encryptedLength} bytes, which no encrypted object has: it was cut or added to");
            if (source.Name != name) throw new InvalidDataException($"it is {source.Name} under another name");
            long left = Math.Max(0, Math.Min(length - offset, most ?? long.MaxValue));
            return new DecryptingStream(source, chunks, offset / EncryptedObject.ChunkBytes, EncryptedObject.Chunks(length), (int)(offset % EncryptedObject.ChunkBytes), left);
        }
        catch (Exception e) when (e is InvalidDataException or KeyMissingException)
        {
            await chunks.DisposeAsync().ConfigureAwait(false);
            string message = $"Can't decrypt {name} in {address}: {e.Message}.";
            throw e is KeyMissingException ? new ObjectStoreException(message + " Add the key to Archive:KeyFile.", mayPass: false, e) : new ObjectDamagedException(message, e);
        }
    }
}
