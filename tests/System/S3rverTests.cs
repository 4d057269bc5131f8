using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Tests.Unit.ObjectStorage;

namespace TraceStore.Tests.Systems;

/// <summary>s3rver, an S3 server of others (npm), in a process of its own.</summary>
public sealed class S3rver : IAsyncLifetime
{
    private readonly TemporaryDirectory _data = new();
    private Process _node = null!;
    private int _stores;

    public Uri Url { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        string folder = typeof(S3rver).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == "JavaScriptFolder").Value!;
        _node = Process.Start(new ProcessStartInfo("node", ["s3rver.mjs", _data.Path]) { WorkingDirectory = folder, RedirectStandardOutput = true })!;
        string port = await _node.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("s3rver hasn't started");
        Url = new Uri($"http://127.0.0.1:{int.Parse(port, CultureInfo.InvariantCulture)}");
    }

    public ValueTask DisposeAsync()
    {
        _node.Kill();
        _node.Dispose();
        _data.Dispose();
        return default;
    }

    /// <summary>A store of its own there.</summary>
    public S3Store Open(bool hasConditionalWrites) => new(new S3Options
    {
        Bucket = "bucket",
        Prefix = $"store-{Interlocked.Increment(ref _stores)}/",
        Endpoint = Url,
        IsPathStyle = true,
        Credentials = new S3Credentials("S3RVER", "S3RVER"),
        HasConditionalWrites = hasConditionalWrites,
        PieceBytes = 5 << 20,
        Retries = 2,
        RetryDelay = TimeSpan.FromMilliseconds(1),
    });
}

/// <summary>It ignores conditions on writes: with one writer declared it is as good as any, and otherwise the probe sees through it.</summary>
public sealed class S3rverTests(S3rver server) : ObjectStoreContract, IClassFixture<S3rver>
{
    [Fact]
    public async Task The_probe_sees_that_it_ignores_conditions()
    {
        await using S3Store store = server.Open(hasConditionalWrites: true);
        string[] failed = [.. (await new ObjectStoreProbe(store, largeBytes: 6 << 20, manyObjects: 30).RunAsync(_ => { }, Never)).Where(finding => !finding.IsGood).Select(finding => finding.What)];
        Assert.Contains("creates an object once only", failed);
        Assert.Contains("doesn't replace one that has", failed);
        Assert.Contains(await new ObjectStoreProbe(store).RunShortAsync(Never), finding => !finding.IsGood);
    }

    /// <summary>It announces one byte of an object that has none.</summary>
    protected override bool ReadsEmptyObjects => false;

    protected override Task<IObjectStore> OpenAsync() => Task.FromResult<IObjectStore>(server.Open(hasConditionalWrites: false));
}
