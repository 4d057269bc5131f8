using System.Net;
using System.Runtime.CompilerServices;
using Amazon.S3;
using Amazon.S3.Model;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>
/// Objects in a bucket of an S3-compatible store. Creating is If-None-Match: *, replacing is If-Match by ETag, which is only ever compared;
/// both as one PutObject, never in pieces, for there S3's own conditions aren't to be relied on. Bodies are signed, of known length and
/// without trailers, which every store takes.
/// </summary>
public sealed class S3Store : IObjectStore
{
    private const string Any = "*";
    private const int ReadsOfChanging = 3;

    private readonly S3Options _options;
    private readonly StoreClock _clock = new();
    private readonly S3Calls _calls;

    public S3Store(S3Options options)
    {
        _options = options;
        _calls = new S3Calls(options, _clock);
    }

    public string Address => _calls.Address;

    public DateTimeOffset Now => _clock.Now;

    public async Task<bool> CreateAsync(string name, ObjectContent content, CancellationToken cancellation)
    {
        bool isInPieces = content.Length > _options.PieceBytes;
        if ((isInPieces || !_options.HasConditionalWrites) && await FindAsync(name, cancellation).ConfigureAwait(false) is not null) return false;
        if (isInPieces) return await new S3Upload(_options, _calls, KeyOf(name), name).RunAsync(content, cancellation).ConfigureAwait(false);
        return await PutAsync("create", name, await ReadAllAsync(content, cancellation).ConfigureAwait(false), expected: null, cancellation).ConfigureAwait(false) is not null;
    }

    public async Task<ObjectVersion?> ReplaceAsync(string name, ReadOnlyMemory<byte> content, ObjectVersion? expected, CancellationToken cancellation)
    {
        if (!_options.HasConditionalWrites && (await GetAsync(name, cancellation).ConfigureAwait(false))?.Version != expected) return null;
        if (await PutAsync("replace", name, content, expected, cancellation).ConfigureAwait(false) is { } replaced) return replaced;
        // An earlier attempt may have landed though its answer was lost.
        StoredObject? found = await GetAsync(name, cancellation).ConfigureAwait(false);
        return found is not null && found.Content.Span.SequenceEqual(content.Span) ? found.Version : null;
    }

    public async Task<StoredObject?> GetAsync(string name, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                if (await OpenStreamAsync(name, 0, null, cancellation).ConfigureAwait(false) is not { } stream) return null;
                await using (stream.ConfigureAwait(false))
                {
                    ObjectLimits.CheckWhole(this, name, stream.Length);
                    byte[] content = new byte[stream.Length];
                    await stream.ReadExactlyAsync(content, cancellation).ConfigureAwait(false);
                    return new StoredObject(content, new ObjectVersion(stream.Version));
                }
            }
            catch (ObjectDamagedException) when (attempt < ReadsOfChanging)
            {
                // it was replaced while it was read
            }
        }
    }

    public async Task<Stream?> OpenAsync(string name, long offset, long? length, CancellationToken cancellation) =>
        await OpenStreamAsync(name, offset, length, cancellation).ConfigureAwait(false);

    public async Task<ListedObject?> FindAsync(string name, CancellationToken cancellation)
    {
        string key = KeyOf(name);
        return await OrMissingAsync(() => _calls.CallAsync<ListedObject?>(
            "look at", name,
            async (client, progress) =>
            {
                GetObjectMetadataResponse answer = await client.GetObjectMetadataAsync(new GetObjectMetadataRequest { BucketName = _options.Bucket, Key = key }, progress.Token).ConfigureAwait(false);
                return new ListedObject(name, answer.ContentLength, answer.LastModified ?? default);
            },
            cancellation)).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<ListedObject> ListAsync(string prefix, string? behind, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new ListObjectsV2Request { BucketName = _options.Bucket, Prefix = _options.Prefix + prefix, StartAfter = behind is null ? null : _options.Prefix + behind };
        string? newest = behind;
        do
        {
            ListObjectsV2Response page = await _calls.CallAsync("list", prefix + "…", (client, progress) => client.ListObjectsV2Async(request, progress.Token), cancellation).ConfigureAwait(false);
            foreach (S3Object found in page.S3Objects ?? [])
            {
                if (!found.Key.StartsWith(_options.Prefix, StringComparison.Ordinal)) continue;
                string name = found.Key[_options.Prefix.Length..];
                if (!ObjectName.IsValid(name) || string.CompareOrdinal(name, newest) <= 0) continue; // not ours, or listed twice
                newest = name;
                yield return new ListedObject(name, found.Size ?? 0, found.LastModified ?? default);
            }

            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

    public async Task DeleteAsync(string name, CancellationToken cancellation)
    {
        string key = KeyOf(name);
        await OrMissingAsync(() => _calls.CallAsync<DeleteObjectResponse?>(
            "delete", name, async (client, progress) => await client.DeleteObjectAsync(_options.Bucket, key, progress.Token).ConfigureAwait(false), cancellation)).ConfigureAwait(false);
    }

    /// <summary>Uploads in pieces that never ended.</summary>
    public Task<int> TakeBackForgottenAsync(TimeSpan age, CancellationToken cancellation) => S3Upload.AbortForgottenAsync(_options, _calls, Now - age, cancellation);

    public ValueTask DisposeAsync()
    {
        _calls.Dispose();
        return default;
    }

    internal static async Task<byte[]> ReadAllAsync(ObjectContent content, CancellationToken cancellation)
    {
        byte[] bytes = new byte[content.Length];
        Stream source = content.Open();
        await using (source.ConfigureAwait(false)) await source.ReadExactlyAsync(bytes, cancellation).ConfigureAwait(false);
        return bytes;
    }

    private static async Task<T?> OrMissingAsync<T>(Func<Task<T?>> call)
        where T : class
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private async Task<S3ReadStream?> OpenStreamAsync(string name, long offset, long? length, CancellationToken cancellation)
    {
        var stream = new S3ReadStream(_options, _calls, KeyOf(name), name, offset, length);
        return await OrMissingAsync<S3ReadStream>(async () =>
        {
            await stream.OpenAsync(cancellation).ConfigureAwait(false);
            return stream;
        }).ConfigureAwait(false);
    }

    private string KeyOf(string name)
    {
        ObjectName.Check(name);
        return _options.Prefix + name;
    }

    /// <summary>Null when the object isn't what was expected: nothing was written.</summary>
    private async Task<ObjectVersion?> PutAsync(string operation, string name, ReadOnlyMemory<byte> content, ObjectVersion? expected, CancellationToken cancellation)
    {
        string key = KeyOf(name);
        try
        {
            PutObjectResponse answer = await _calls.CallAsync(
                operation, name,
                async (client, progress) =>
                {
                    using var body = new S3Body(content, progress);
                    var request = new PutObjectRequest { BucketName = _options.Bucket, Key = key, InputStream = body, UseChunkEncoding = false, AutoCloseStream = false };
                    if (_options.HasConditionalWrites) (request.IfNoneMatch, request.IfMatch) = (expected is null ? Any : null, expected?.Tag);
                    return await client.PutObjectAsync(request, progress.Token).ConfigureAwait(false);
                },
                cancellation).ConfigureAwait(false);
            return new ObjectVersion(answer.ETag);
        }
        catch (AmazonS3Exception)
        {
            return null; // 412, or 404 for one that had to be there; 304 from stores that say it so
        }
    }
}
