using TraceStore.Tests.S3;

namespace TraceStore.Tests.Systems;

/// <summary>A restore from an S3-compatible store calls it no more often than it must, however much is kept.</summary>
public sealed class MetadataCallsTests : IDisposable
{
    private const int Before = 20_000, Behind = 5_000;

    private readonly TemporaryDirectory _place = new();

    [Fact]
    public async Task A_restore_lists_twice_and_gets_each_object_once_but_the_manifest()
    {
        await using S3Server server = await S3Server.StartAsync();
        string[] archive = server.Arguments(_place);
        string first = Path.Combine(_place.Path, "first"), second = Path.Combine(_place.Path, "second");
        using (TraceStoreProcess process = await TraceStoreProcess.ServeAsync(first, [.. archive, "--set", "Archive:MaxDelay=200ms", "--set", "Wal:MaxSegmentAge=100ms", "--set", "ClickHouse:MaxBlockAge=200ms"]))
        {
            await TraceStoreProcess.RunAsync("load", "--url", $"http://127.0.0.1:{process.OtlpPort}", "--spans", $"{Before}");
            await EngineQuestion.UntilAsync(first, "SELECT count() FROM tracestore.spans", $"{Before}");
            for (int i = 0; i < 2; i++)
            {
                (int code, _, string failure) = await TraceStoreProcess.RunAsync(["snapshot", "create", "--data", first, .. archive]);
                Assert.True(code == 0, failure);
            }

            await TraceStoreProcess.RunAsync("load", "--url", $"http://127.0.0.1:{process.OtlpPort}", "--spans", $"{Behind}");
            Assert.Equal(0, await process.StopAsync());
        }

        int earlier = server.Calls.Count;
        (int exitCode, string output, string errors) = await TraceStoreProcess.RunAsync(["restore", "--data", second, .. archive]);
        Assert.True(exitCode == 0, errors);
        Assert.Contains($"Restored {Before + Behind} spans", output, StringComparison.Ordinal);
        S3Call[] calls = [.. server.Calls.Skip(earlier)];
        TestContext.Current.TestOutputHelper!.WriteLine(string.Join('\n', calls));
        Assert.Equal(2, calls.Count(call => call.Operation == "ListObjectsV2"));
        Assert.All(calls.Where(call => call.Operation == "GetObject").CountBy(call => call.Key), got => Assert.Equal(got.Key.EndsWith("/manifest.json", StringComparison.Ordinal) ? 2 : 1, got.Value)); // to plan, and to restore by
        Assert.All(calls, call => Assert.Contains(call.Operation, new[] { "ListObjectsV2", "GetObject" }));
    }

    public void Dispose() => _place.Dispose();
}
