namespace TraceStore.Storage.ObjectStorage;

/// <summary>Which bucket, and what its store can and can't do.</summary>
public sealed record S3Options
{
    public required string Bucket { get; init; }

    /// <summary>Put in front of every name, with a slash at its end; empty for none.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The store's address; null for Amazon's own in the region.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Null: as the environment or profile says, else us-east-1.</summary>
    public string? Region { get; init; }

    /// <summary>Bucket in the path instead of the host's name: what most other stores want.</summary>
    public bool IsPathStyle { get; init; }

    /// <summary>Null: as the SDK finds them: environment, profile, the machine's or the pod's role.</summary>
    public S3Credentials? Credentials { get; init; }

    /// <summary>
    /// Whether the store honours If-None-Match and If-Match. Where it doesn't, somebody has declared that there is one writer, and TraceStore
    /// looks before it writes.
    /// </summary>
    public bool HasConditionalWrites { get; init; } = true;

    /// <summary>Objects above this are uploaded in pieces of this size (5 MiB at least, by S3's rules).</summary>
    public int PieceBytes { get; init; } = 16 << 20;

    /// <summary>When nothing has moved for so long, a request is given up, and tried again.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How often to try again what may pass, ever more slowly: half a minute in all.</summary>
    public int Retries { get; init; } = 8;

    /// <summary>The first pause before trying again.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>An access key.</summary>
public sealed record S3Credentials(string AccessKeyId, string SecretAccessKey, string? SessionToken = null);
