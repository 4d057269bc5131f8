using System.Net;
using Amazon.S3;
using Amazon.S3.Model;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>Uploads one large object in pieces. What fails is taken back, so that no pieces stay that cost and no list shows.</summary>
internal sealed class S3Upload(S3Options options, S3Calls calls, string key, string name)
{
    private static readonly TimeSpan s_abortPatience = TimeSpan.FromSeconds(3);

    /// <summary>False when there is an object of that name meanwhile.</summary>
    public async Task<bool> RunAsync(ObjectContent content, CancellationToken cancellation)
    {
        InitiateMultipartUploadResponse begun = await calls.CallAsync(
            "create", name, (client, progress) => client.InitiateMultipartUploadAsync(options.Bucket, key, progress.Token), cancellation).ConfigureAwait(false);
        try
        {
            List<PartETag> pieces = await UploadAsync(begun.UploadId, content, cancellation).ConfigureAwait(false);
            if (await CompleteAsync(begun.UploadId, pieces, cancellation).ConfigureAwait(false)) return true;
        }
        catch
        {
            await AbortAsync(begun.UploadId).ConfigureAwait(false);
            throw;
        }

        await AbortAsync(begun.UploadId).ConfigureAwait(false);
        return false;
    }

    public static async Task<int> AbortForgottenAsync(S3Options options, S3Calls calls, DateTimeOffset before, CancellationToken cancellation)
    {
        List<MultipartUpload> forgotten = [];
        var request = new ListMultipartUploadsRequest { BucketName = options.Bucket, Prefix = options.Prefix };
        for (bool isMore = true; isMore;)
        {
            ListMultipartUploadsResponse found = await calls.CallAsync(
                "list unfinished uploads of", options.Prefix + "…", (client, progress) => client.ListMultipartUploadsAsync(request, progress.Token), cancellation).ConfigureAwait(false);
            forgotten.AddRange((found.MultipartUploads ?? []).Where(upload => upload.Initiated < before));
            (request.KeyMarker, request.UploadIdMarker) = (found.NextKeyMarker, found.NextUploadIdMarker);
            isMore = found.IsTruncated == true && request.KeyMarker is { Length: > 0 };
        }

        foreach (MultipartUpload upload in forgotten)
        {
            await calls.CallAsync(
                "take back an unfinished upload of", upload.Key,
                (client, progress) => client.AbortMultipartUploadAsync(options.Bucket, upload.Key, upload.UploadId, progress.Token),
                cancellation).ConfigureAwait(false);
        }

        return forgotten.Count;
    }

    private async Task<List<PartETag>> UploadAsync(string upload, ObjectContent content, CancellationToken cancellation)
    {
        List<PartETag> pieces = [];
        byte[] piece = new byte[options.PieceBytes];
        Stream source = content.Open();
        await using (source.ConfigureAwait(false))
        {
            for (long left = content.Length; left > 0; left -= piece.Length)
            {
                Memory<byte> bytes = piece.AsMemory(0, (int)Math.Min(left, piece.Length));
                await source.ReadExactlyAsync(bytes, cancellation).ConfigureAwait(false);
                int number = pieces.Count + 1;
                UploadPartResponse uploaded = await calls.CallAsync(
                    "create", name,
                    async (client, progress) =>
                    {
                        using var body = new S3Body(bytes, progress);
                        var request = new UploadPartRequest { BucketName = options.Bucket, Key = key, UploadId = upload, PartNumber = number, PartSize = bytes.Length, InputStream = body, UseChunkEncoding = false };
                        return await client.UploadPartAsync(request, progress.Token).ConfigureAwait(false);
                    },
                    cancellation).ConfigureAwait(false);
                pieces.Add(new PartETag(number, uploaded.ETag));
            }
        }

        return pieces;
    }

    private async Task<bool> CompleteAsync(string upload, List<PartETag> pieces, CancellationToken cancellation)
    {
        try
        {
            await calls.CallAsync(
                "create", name,
                (client, progress) =>
                {
                    var request = new CompleteMultipartUploadRequest { BucketName = options.Bucket, Key = key, UploadId = upload, PartETags = pieces };
                    if (options.HasConditionalWrites) request.IfNoneMatch = "*";
                    return client.CompleteMultipartUploadAsync(request, progress.Token);
                },
                cancellation).ConfigureAwait(false);
            return true;
        }
        catch (AmazonS3Exception)
        {
            return false; // there is one; or the upload is unknown, since an earlier attempt has completed it
        }
    }

    private async Task AbortAsync(string upload)
    {
        try
        {
            using var limit = new CancellationTokenSource(s_abortPatience);
            await calls.CallAsync("take back", name, (client, progress) => client.AbortMultipartUploadAsync(options.Bucket, key, upload, progress.Token), limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ObjectStoreException or OperationCanceledException or AmazonS3Exception { StatusCode: HttpStatusCode.NotFound })
        {
            // it is forgotten, and taken back at a start a day later (TakeBackForgottenAsync)
        }
    }
}
