namespace TraceStore.Storage.ObjectStorage;

/// <summary>Which store, how to reach it, and whether to encrypt.</summary>
public sealed record ObjectStoreOptions
{
    /// <summary>A directory; null where it is a bucket.</summary>
    public string? Directory { get; init; }

    /// <summary>A bucket; null where it is a directory.</summary>
    public S3Options? S3 { get; init; }

    /// <summary>Null: nothing is encrypted here.</summary>
    public EncryptionKeys? Keys { get; init; }

    /// <summary>What messages call it.</summary>
    public string Address => Directory ?? $"s3://{S3!.Bucket}/{S3.Prefix}".TrimEnd('/');

    /// <summary>What an address means: a directory's path, or <c>s3://bucket/prefix</c>. Null for neither.</summary>
    public static ObjectStoreOptions? Parse(string url)
    {
        const string s3 = "s3://";
        if (!url.StartsWith(s3, StringComparison.OrdinalIgnoreCase)) return url.Contains("://", StringComparison.Ordinal) ? null : new ObjectStoreOptions { Directory = Path.GetFullPath(url) };
        string[] words = url[s3.Length..].Split('/', 2);
        string prefix = words.Length == 2 ? words[1].Trim('/') : "";
        if (words[0].Length == 0 || (prefix.Length > 0 && !ObjectName.IsValid(prefix))) return null;
        return new ObjectStoreOptions { S3 = new S3Options { Bucket = words[0], Prefix = prefix.Length > 0 ? prefix + "/" : "" } };
    }
}

/// <summary>Opens stores.</summary>
public static class ObjectStores
{
    /// <summary>Nothing is asked of it yet: a store that is away is no reason not to start.</summary>
    public static IObjectStore Open(ObjectStoreOptions options)
    {
        IObjectStore store = options.S3 is { } bucket ? new S3Store(bucket) : new DirectoryStore(options.Directory!);
        return options.Keys is { } keys ? new EncryptedStore(store, keys) : store;
    }
}
