using System.Text;
using Microsoft.AspNetCore.Http;

namespace TraceStore.Tests.S3;

/// <summary>A request to a bucket, in path style.</summary>
public sealed record S3Request(string Operation, string Bucket, string Key, IReadOnlyDictionary<string, string> Query, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public static async Task<S3Request> ReadAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        string[] words = request.Path.Value!.TrimStart('/').Split('/', 2);
        string key = words.Length == 2 ? words[1] : "";
        var query = request.Query.ToDictionary(pair => pair.Key, pair => pair.Value.ToString());
        var headers = request.Headers.ToDictionary(pair => pair.Key, pair => pair.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        return new S3Request(OperationOf(request.Method, key, query), words[0], key, query, headers, Plain(headers, body.ToArray()));
    }

    public string? Header(string name) => Headers.GetValueOrDefault(name);

    private static string OperationOf(string method, string key, Dictionary<string, string> query) => (method, key.Length > 0) switch
    {
        ("PUT", true) when query.ContainsKey("uploadId") => "UploadPart",
        ("PUT", true) => "PutObject",
        ("GET", true) => "GetObject",
        ("HEAD", true) => "HeadObject",
        ("DELETE", true) when query.ContainsKey("uploadId") => "AbortMultipartUpload",
        ("DELETE", true) => "DeleteObject",
        ("POST", true) when query.ContainsKey("uploads") => "CreateMultipartUpload",
        ("POST", true) when query.ContainsKey("uploadId") => "CompleteMultipartUpload",
        ("GET", false) when query.ContainsKey("uploads") => "ListMultipartUploads",
        ("GET", false) => "ListObjectsV2",
        _ => method,
    };

    /// <summary>Without the chunks that some clients sign one by one (aws-chunked).</summary>
    private static byte[] Plain(Dictionary<string, string> headers, byte[] body)
    {
        if (!headers.GetValueOrDefault("x-amz-content-sha256", "").StartsWith("STREAMING-", StringComparison.Ordinal)) return body;
        using var plain = new MemoryStream();
        for (int at = 0; ;)
        {
            int end = body.AsSpan(at).IndexOf("\r\n"u8) + at;
            string line = Encoding.ASCII.GetString(body, at, end - at);
            int length = Convert.ToInt32(line.Split(';')[0], 16);
            if (length == 0) return plain.ToArray();
            plain.Write(body, end + 2, length);
            at = end + 2 + length + 2;
        }
    }
}

/// <summary>What is answered.</summary>
public sealed record S3Answer(int Status, ReadOnlyMemory<byte> Body)
{
    public Dictionary<string, string> Headers { get; init; } = [];

    /// <summary>Where it isn't the body's own: of a look at an object.</summary>
    public long? ContentLength { get; init; }

    public static S3Answer Empty(int status = 200) => new(status, ReadOnlyMemory<byte>.Empty);

    public static S3Answer Xml(string xml, int status = 200) => new(status, Encoding.UTF8.GetBytes("<?xml version=\"1.0\" encoding=\"UTF-8\"?>" + xml)) { Headers = { ["Content-Type"] = "application/xml" } };

    public static S3Answer Error(int status, string code) => Xml($"<Error><Code>{code}</Code><Message>as the test wants it: {code}</Message></Error>", status);
}
