using System.Globalization;
using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>Reads a range of an object, and goes on where a connection broke, if the object is still the same.</summary>
/// <param name="options">Which store.</param>
/// <param name="calls">Calls it.</param>
/// <param name="key">The object's name there.</param>
/// <param name="name">What messages call it.</param>
/// <param name="start">Where to begin.</param>
/// <param name="most">How much to read; null: up to its end.</param>
internal sealed class S3ReadStream(S3Options options, S3Calls calls, string key, string name, long start, long? most) : ReadStream
{
    private long _position = start;
    private long _end = start;
    private long _length;
    private GetObjectResponse? _answer;

    public override long Length => _length;

    /// <summary>Which version of the object it reads.</summary>
    public string Version { get; private set; } = "";

    /// <exception cref="AmazonS3Exception">There is no such object.</exception>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        try
        {
            _length = await calls.CallAsync(
                "read", name,
                async (client, progress) =>
                {
                    await AskAsync(client, _position + most - 1, progress).ConfigureAwait(false);
                    return _answer!.ContentLength;
                },
                cancellation).ConfigureAwait(false);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
        {
            // It ends before the position, or is empty: there is nothing to read.
            GetObjectMetadataResponse found = await calls.CallAsync("read", name, (client, progress) => client.GetObjectMetadataAsync(options.Bucket, key, progress.Token), cancellation).ConfigureAwait(false);
            Version = found.ETag;
        }

        _end = _position + _length;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_position >= _end || buffer.Length == 0) return 0;
        Memory<byte> wanted = buffer[..(int)Math.Min(buffer.Length, _end - _position)];
        try
        {
            return await calls.CallAsync("read", name, (client, progress) => ReadOnceAsync(client, wanted, progress), cancellationToken).ConfigureAwait(false);
        }
        catch (AmazonS3Exception e)
        {
            throw new ObjectDamagedException($"{name} in {calls.Address} has changed or gone while it was read: objects are written once, so somebody else is at work there.", e);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) Drop();
        base.Dispose(disposing);
    }

    private async Task<int> ReadOnceAsync(AmazonS3Client client, Memory<byte> wanted, S3Calls.Progress progress)
    {
        try
        {
            if (_answer is null) await AskAsync(client, _end - 1, progress).ConfigureAwait(false);
            int read = await _answer!.ResponseStream.ReadAsync(wanted, progress.Token).ConfigureAwait(false);
            if (read == 0) throw new EndOfStreamException($"the answer ended {_end - _position} bytes too early.");
            _position += read;
            return read;
        }
        catch
        {
            Drop();
            throw;
        }
    }

    /// <summary>By a range even when all is wanted: of a whole answer the SDK takes the ETag for an MD5, which it is in some stores only.</summary>
    private async Task AskAsync(AmazonS3Client client, long? last, S3Calls.Progress progress)
    {
        var range = new ByteRange(string.Create(CultureInfo.InvariantCulture, $"bytes={_position}-{last}"));
        _answer = await client.GetObjectAsync(new GetObjectRequest { BucketName = options.Bucket, Key = key, EtagToMatch = Version.Length > 0 ? Version : null, ByteRange = range }, progress.Token).ConfigureAwait(false);
        Version = _answer.ETag;
    }

    private void Drop()
    {
        _answer?.Dispose();
        _answer = null;
    }
}
