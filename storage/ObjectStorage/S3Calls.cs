using System.Globalization;
using System.Net;
using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Polly;
using Polly.Retry;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>
/// Calls an S3-compatible store: each call is tried again while what is wrong may pass, by us and not by the SDK, which takes an answer to
/// its own second attempt for one to the first. Any thread may call it.
/// </summary>
internal sealed class S3Calls : IDisposable
{
    private readonly S3Options _options;
    private readonly AmazonS3Client _client;
    private readonly ResiliencePipeline _retrying;

    public S3Calls(S3Options options, StoreClock clock)
    {
        _options = options;
        var config = new AmazonS3Config
        {
            ForcePathStyle = options.IsPathStyle,
            MaxErrorRetry = 0,
            Timeout = System.Threading.Timeout.InfiniteTimeSpan, // of no progress only, below
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED, // many stores refuse checksums they don't know
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (options.Endpoint is not null) (config.ServiceURL, config.AuthenticationRegion) = (options.Endpoint.ToString(), options.Region ?? "us-east-1");
        else config.RegionEndpoint = options.Region is null ? FallbackRegionFactory.GetRegionEndpoint(includeInstanceMetadata: false) ?? RegionEndpoint.USEast1 : RegionEndpoint.GetBySystemName(options.Region);
        _client = options.Credentials switch
        {
            null => new AmazonS3Client(config),
            { SessionToken: { } token } key => new AmazonS3Client(key.AccessKeyId, key.SecretAccessKey, token, config),
            { } key => new AmazonS3Client(key.AccessKeyId, key.SecretAccessKey, config),
        };
        _client.AfterResponseEvent += (_, answer) =>
        {
            if (answer is WebServiceResponseEventArgs { ResponseHeaders: { } headers }
                && headers.TryGetValue("Date", out string? date)
                && DateTimeOffset.TryParse(date, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset told)) clock.Note(told);
        };
        _retrying = new ResiliencePipelineBuilder()
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = attempt => new ValueTask<bool>(attempt.Outcome.Exception is { } failure && MayPass(failure, attempt.Context.CancellationToken)),
                MaxRetryAttempts = options.Retries,
                BackoffType = DelayBackoffType.Exponential,
                Delay = options.RetryDelay,
                MaxDelay = TimeSpan.FromSeconds(10),
                UseJitter = true,
            })
            .Build();
    }

    public string Address => $"s3://{_options.Bucket}/{_options.Prefix}".TrimEnd('/');

    /// <summary>Calls the store until it answers for good.</summary>
    /// <param name="operation">What it is for, in a word: "read".</param>
    /// <param name="name">The object.</param>
    /// <param name="call">One attempt; it must tell of progress, or is given up as stalled.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="AmazonS3Exception">The store refused by a condition or doesn't know the object: the caller's to judge.</exception>
    /// <exception cref="ObjectStoreException">It can't be done.</exception>
    public async Task<T> CallAsync<T>(string operation, string name, Func<AmazonS3Client, Progress, Task<T>> call, CancellationToken cancellation)
    {
        try
        {
            return await _retrying.ExecuteAsync(
                async token =>
                {
                    using var progress = new Progress(_options.StallTimeout, token);
                    return await call(_client, progress).ConfigureAwait(false);
                },
                cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            if (e is ObjectStoreException or ObjectDamagedException || IsAnswer(e)) throw;
            throw Failure(operation, name, e, cancellation);
        }
    }

    public void Dispose() => _client.Dispose();

    /// <summary>What the caller asked for by a condition, or by asking for something that may not be there.</summary>
    private static bool IsAnswer(Exception e) => e is AmazonS3Exception { ErrorCode: not "NoSuchBucket", StatusCode: HttpStatusCode.NotFound or HttpStatusCode.PreconditionFailed or HttpStatusCode.NotModified or HttpStatusCode.RequestedRangeNotSatisfiable };

    private static bool MayPass(Exception failure, CancellationToken cancellation) => failure switch
    {
        OperationCanceledException => !cancellation.IsCancellationRequested, // it stalled
        AmazonServiceException { StatusCode: HttpStatusCode.Conflict } => true, // another write to the same name: nothing landed
        AmazonServiceException { ErrorCode: "RequestTimeout" or "SlowDown" or "InternalError" or "ServiceUnavailable" or "OperationAborted" } => true,
        AmazonServiceException service when service.StatusCode != 0 => (int)service.StatusCode is >= 500 and not 501 or 429 or 408,
        ObjectStoreException store => store.MayPass,
        ObjectDamagedException => false,
        AmazonClientException client => client.InnerException is HttpRequestException or IOException or OperationCanceledException,
        HttpRequestException or IOException => true,
        _ => false,
    };

    private ObjectStoreException Failure(string operation, string name, Exception e, CancellationToken cancellation)
    {
        string code = e is AmazonServiceException { ErrorCode: { Length: > 0 } error } ? $"{error}: " : "";
        string cause = e is OperationCanceledException ? $"nothing has moved for {_options.StallTimeout.TotalSeconds} s." : e.Message;
        string hint = e switch
        {
            AmazonServiceException { ErrorCode: "NoSuchBucket" } => "Create the bucket, or correct Archive:Url.",
            AmazonServiceException { ErrorCode: "RequestTimeTooSkewed" } => "This machine's clock or the store's is wrong: set it right.",
            AmazonServiceException { ErrorCode: "InvalidAccessKeyId" or "SignatureDoesNotMatch" } => "Check the access key and its secret.",
            AmazonServiceException { StatusCode: HttpStatusCode.Forbidden } => "Give this access key the right to list, read and write there.",
            AmazonServiceException { StatusCode: HttpStatusCode.NotImplemented } => "The store can't do this; tracestore archive probe says what it can.",
            AmazonClientException { InnerException: null } => "Set the access key by the environment, a profile, or Archive:S3:AccessKeyFile.",
            _ => "It is tried again; check the network and the store.",
        };
        return new ObjectStoreException($"Can't {operation} {name} in {Address}: {code}{cause} {hint}", MayPass(e, cancellation), e);
    }

    /// <summary>Lets a request go on for as long as something moves.</summary>
    internal sealed class Progress : IDisposable
    {
        private readonly TimeSpan _stallTimeout;
        private readonly CancellationTokenSource _limit;

        public Progress(TimeSpan stallTimeout, CancellationToken cancellation)
        {
            (_stallTimeout, _limit) = (stallTimeout, CancellationTokenSource.CreateLinkedTokenSource(cancellation));
            Note();
        }

        public CancellationToken Token => _limit.Token;

        /// <summary>Something has moved.</summary>
        public void Note() => _limit.CancelAfter(_stallTimeout);

        public void Dispose() => _limit.Dispose();
    }
}
