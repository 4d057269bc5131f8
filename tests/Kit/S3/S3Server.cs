using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Tests.S3;

/// <summary>
/// An S3-compatible store in the test's process, over real HTTP: one bucket in memory, conditional writes, ranges, uploads in pieces. It
/// counts calls and lets any of them fail, before or after it is carried out. It doesn't check signatures.
/// </summary>
public sealed class S3Server : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly S3Bucket _bucket;
    private readonly ConcurrentQueue<S3Call> _calls = new();
    private int _called;

    private S3Server(S3Bucket bucket)
    {
        _bucket = bucket;
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    public const string BucketName = "bucket";

    /// <summary>Which calls fail, and how; null for those that don't.</summary>
    public Func<S3Call, S3Fault?> Faults { get; set; } = _ => null;

    /// <summary>The calls so far.</summary>
    public IReadOnlyCollection<S3Call> Calls => _calls;

    /// <summary>The objects, to be looked at and damaged.</summary>
    public S3Bucket Bucket => _bucket;

    public Uri Url { get; private set; } = null!;

    public static async Task<S3Server> StartAsync(S3Bucket? bucket = null)
    {
        var server = new S3Server(bucket ?? new S3Bucket());
        await server._app.StartAsync();
        server.Url = new Uri(server._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return server;
    }

    /// <summary>How to reach it; small pieces and short pauses, so that tests are quick.</summary>
    public S3Options Options(string prefix = "archive/") => new()
    {
        Bucket = BucketName,
        Prefix = prefix,
        Endpoint = Url,
        IsPathStyle = true,
        Credentials = new S3Credentials("key", "secret"),
        PieceBytes = 5 << 20,
        RetryDelay = TimeSpan.FromMilliseconds(1),
        StallTimeout = TimeSpan.FromSeconds(2),
    };

    /// <summary>The options of a process that archives there.</summary>
    public string[] Arguments(TemporaryDirectory place)
    {
        string key = Path.Combine(place.Path, "access-key");
        File.WriteAllText(key, "key\nsecret\n");
        return ["--archive", $"s3://{BucketName}/archive", "--set", $"Archive:S3:Endpoint={Url}", "--set", $"Archive:S3:AccessKeyFile={key}"];
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var request = await S3Request.ReadAsync(context.Request);
        var call = new S3Call(Interlocked.Increment(ref _called), request.Operation, request.Key);
        _calls.Enqueue(call);
        S3Fault? fault = Faults(call);
        switch (fault)
        {
            case S3Fault.Refuse refuse:
                await SendAsync(context, S3Answer.Error(refuse.Status, refuse.Code), null);
                return;
            case S3Fault.Die { IsDone: false } die:
                die.Kill();
                context.Abort();
                return;
            case S3Fault.Cut:
                context.Abort();
                return;
            case S3Fault.Stall:
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                return;
        }

        S3Answer answer = _bucket.Answer(request);
        if (fault is S3Fault.RefuseAfter after) answer = S3Answer.Error(after.Status, after.Code);
        if (fault is S3Fault.Die late) late.Kill();
        if (fault is S3Fault.LoseAnswer or S3Fault.Die) context.Abort();
        else await SendAsync(context, answer, fault);
    }

    private static async Task SendAsync(HttpContext context, S3Answer answer, S3Fault? fault)
    {
        context.Response.StatusCode = answer.Status;
        foreach ((string name, string value) in answer.Headers) context.Response.Headers[name] = value;
        ReadOnlyMemory<byte> body = answer.Body;
        context.Response.ContentLength = answer.ContentLength ?? body.Length;
        if (fault is S3Fault.Flip flip && body.Length > 0)
        {
            byte[] flipped = body.ToArray();
            flipped[flip.At % flipped.Length] ^= 0x10;
            body = flipped;
        }

        if (fault is S3Fault.Truncate truncate && truncate.Bytes < body.Length)
        {
            await context.Response.Body.WriteAsync(body[..truncate.Bytes]);
            await context.Response.Body.FlushAsync();
            context.Features.Get<IHttpRequestLifetimeFeature>()!.Abort();
            return;
        }

        if (!HttpMethods.IsHead(context.Request.Method)) await context.Response.Body.WriteAsync(body);
    }
}
