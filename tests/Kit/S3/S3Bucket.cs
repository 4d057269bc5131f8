using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace TraceStore.Tests.S3;

/// <summary>An object in the bucket.</summary>
public sealed record S3Entry(byte[] Content, string ETag, DateTime Modified);

/// <summary>One bucket's objects and unfinished uploads, and what S3 answers about them.</summary>
public sealed class S3Bucket
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, S3Entry> _objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Upload> _uploads = [];

    /// <summary>Whether If-None-Match and If-Match of writes are accepted and ignored, as some stores do.</summary>
    public bool IgnoresConditions { get; init; }

    /// <summary>Objects on a page of a list.</summary>
    public int PageSize { get; init; } = 1_000;

    /// <summary>The newest objects that lists don't show yet.</summary>
    public int ListsLate { get; set; }

    /// <summary>Its clock.</summary>
    public Func<DateTime> Now { get; init; } = () => DateTime.UtcNow;

    /// <summary>Unfinished uploads.</summary>
    public int Uploads
    {
        get
        {
            lock (_lock) return _uploads.Count;
        }
    }

    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (_lock) return [.. _objects.Keys];
        }
    }

    public byte[] this[string key]
    {
        get
        {
            lock (_lock) return _objects[key].Content;
        }

        set
        {
            lock (_lock) Put(key, value);
        }
    }

    public S3Answer Answer(S3Request request)
    {
        lock (_lock)
        {
            S3Answer answer = request.Bucket != S3Server.BucketName ? S3Answer.Error(404, "NoSuchBucket") : Carry(request);
            answer.Headers["Date"] = Now().ToString("R", CultureInfo.InvariantCulture);
            return answer;
        }
    }

    private S3Answer Carry(S3Request request) => request.Operation switch
    {
        "PutObject" => WhyNot(request) ?? WithTag(Put(request.Key, request.Body)),
        "GetObject" => Get(request),
        "HeadObject" => _objects.TryGetValue(request.Key, out S3Entry? found) ? Describe(found) with { ContentLength = found.Content.Length } : S3Answer.Empty(404),
        "DeleteObject" => Delete(request.Key),
        "ListObjectsV2" => List(request),
        "CreateMultipartUpload" => Begin(request.Key),
        "UploadPart" => UploadPart(request),
        "CompleteMultipartUpload" => Complete(request),
        "AbortMultipartUpload" => _uploads.Remove(request.Query["uploadId"]) ? S3Answer.Empty(204) : S3Answer.Error(404, "NoSuchUpload"),
        "ListMultipartUploads" => ListUploads(request),
        _ => S3Answer.Error(501, "NotImplemented"),
    };

    /// <summary>Why a condition forbids a write.</summary>
    private S3Answer? WhyNot(S3Request request)
    {
        if (IgnoresConditions) return null;
        S3Entry? found = _objects.GetValueOrDefault(request.Key);
        if (request.Header("If-None-Match") == "*" && found is not null) return S3Answer.Error(412, "PreconditionFailed");
        if (request.Header("If-Match") is not { Length: > 0 } tag || tag == found?.ETag) return null;
        return found is null ? S3Answer.Error(404, "NoSuchKey") : S3Answer.Error(412, "PreconditionFailed");
    }

    private S3Entry Put(string key, byte[] content, string? tag = null) =>
        _objects[key] = new S3Entry(content, tag ?? $"\"{Convert.ToHexStringLower(SHA256.HashData(content))[..32]}\"", Now());

    private S3Answer Get(S3Request request)
    {
        if (!_objects.TryGetValue(request.Key, out S3Entry? found)) return S3Answer.Error(404, "NoSuchKey");
        if (request.Header("If-Match") is { Length: > 0 } tag && tag != found.ETag) return S3Answer.Error(412, "PreconditionFailed");
        if (request.Header("Range") is not { Length: > 0 } range) return Describe(found) with { Body = found.Content };
        string[] ends = range["bytes=".Length..].Split('-');
        int first = int.Parse(ends[0], CultureInfo.InvariantCulture);
        int last = ends[1].Length > 0 ? Math.Min(int.Parse(ends[1], CultureInfo.InvariantCulture), found.Content.Length - 1) : found.Content.Length - 1;
        if (first >= found.Content.Length) return S3Answer.Error(416, "InvalidRange");
        S3Answer part = Describe(found) with { Status = 206, Body = found.Content.AsMemory(first..(last + 1)) };
        part.Headers["Content-Range"] = $"bytes {first}-{last}/{found.Content.Length}";
        return part;
    }

    private S3Answer Delete(string key)
    {
        _objects.Remove(key);
        return S3Answer.Empty(204);
    }

    private S3Answer List(S3Request request)
    {
        string prefix = request.Query.GetValueOrDefault("prefix", "");
        string behind = request.Query.GetValueOrDefault("continuation-token") ?? request.Query.GetValueOrDefault("start-after", "");
        HashSet<string> late = [.. _objects.OrderByDescending(pair => pair.Value.Modified).Take(ListsLate).Select(pair => pair.Key)];
        KeyValuePair<string, S3Entry>[] found = [.. _objects.Where(pair => pair.Key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(pair.Key, behind) > 0 && !late.Contains(pair.Key)).Take(PageSize + 1)];
        KeyValuePair<string, S3Entry>[] page = [.. found.Take(PageSize)];
        var xml = new XElement(
            "ListBucketResult",
            new XElement("Name", request.Bucket), new XElement("Prefix", prefix), new XElement("KeyCount", page.Length), new XElement("MaxKeys", PageSize),
            new XElement("IsTruncated", found.Length > page.Length),
            found.Length > page.Length ? new XElement("NextContinuationToken", page[^1].Key) : null,
            page.Select(pair => new XElement("Contents", new XElement("Key", pair.Key), new XElement("LastModified", Time(pair.Value.Modified)), new XElement("ETag", pair.Value.ETag), new XElement("Size", pair.Value.Content.Length))));
        return S3Answer.Xml(xml.ToString());
    }

    private S3Answer Begin(string key)
    {
        string id = Guid.NewGuid().ToString("N");
        _uploads[id] = new Upload(key, Now(), []);
        return S3Answer.Xml(new XElement("InitiateMultipartUploadResult", new XElement("Key", key), new XElement("UploadId", id)).ToString());
    }

    private S3Answer UploadPart(S3Request request)
    {
        if (!_uploads.TryGetValue(request.Query["uploadId"], out Upload? upload)) return S3Answer.Error(404, "NoSuchUpload");
        upload.Pieces[int.Parse(request.Query["partNumber"], CultureInfo.InvariantCulture)] = request.Body;
        return WithTag($"\"{Convert.ToHexStringLower(SHA256.HashData(request.Body))[..32]}\"");
    }

    private S3Answer Complete(S3Request request)
    {
        string id = request.Query["uploadId"];
        if (!_uploads.TryGetValue(id, out Upload? upload)) return S3Answer.Error(404, "NoSuchUpload");
        if (WhyNot(request) is { } refusal) return refusal;
        int[] numbers = [.. XDocument.Parse(Encoding.UTF8.GetString(request.Body)).Descendants().Where(element => element.Name.LocalName == "PartNumber").Select(element => (int)element)];
        if (!numbers.SequenceEqual(upload.Pieces.Keys)) return S3Answer.Error(400, "InvalidPart");
        S3Entry whole = Put(upload.Key, [.. upload.Pieces.Values.SelectMany(piece => piece)], $"\"{id}-{numbers.Length}\"");
        _uploads.Remove(id);
        return S3Answer.Xml(new XElement("CompleteMultipartUploadResult", new XElement("Key", upload.Key), new XElement("ETag", whole.ETag)).ToString());
    }

    private S3Answer ListUploads(S3Request request)
    {
        string prefix = request.Query.GetValueOrDefault("prefix", "");
        var xml = new XElement(
            "ListMultipartUploadsResult", new XElement("IsTruncated", false),
            _uploads.Where(pair => pair.Value.Key.StartsWith(prefix, StringComparison.Ordinal)).Select(pair => new XElement("Upload", new XElement("Key", pair.Value.Key), new XElement("UploadId", pair.Key), new XElement("Initiated", Time(pair.Value.Begun)))));
        return S3Answer.Xml(xml.ToString());
    }

    private static S3Answer WithTag(S3Entry entry) => WithTag(entry.ETag);

    private static S3Answer WithTag(string tag) => S3Answer.Empty() with { Headers = new() { ["ETag"] = tag } };

    private static S3Answer Describe(S3Entry entry) =>
        S3Answer.Empty() with { Headers = new() { ["ETag"] = entry.ETag, ["Last-Modified"] = entry.Modified.ToString("R", CultureInfo.InvariantCulture), ["Accept-Ranges"] = "bytes" } };

    private static string Time(DateTime time) => time.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    private sealed record Upload(string Key, DateTime Begun, SortedDictionary<int, byte[]> Pieces);
}
