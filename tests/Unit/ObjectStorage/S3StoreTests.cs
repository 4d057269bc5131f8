using TraceStore.Storage.ObjectStorage;
using TraceStore.Tests.S3;

namespace TraceStore.Tests.Unit.ObjectStorage;

public sealed class S3StoreTests : SharedStoreContract
{
    private S3Server _server = null!;

    public static TheoryData<string> Faults => ["refused", "refused after", "cut", "answer lost", "conflict"];

    /// <summary>Every call of every operation fails once: the operation does what it does nevertheless.</summary>
    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_call_that_fails_is_made_again_and_nothing_is_done_twice(string what)
    {
        bool isAny = true;
        for (int n = 1; isAny; n++)
        {
            int first = _server.Calls.Count;
            isAny = false;
            _server.Faults = call =>
            {
                if (call.Number != first + n) return null;
                isAny = true;
                return Fault(what);
            };
            await DoEverythingAsync($"{what.Replace(' ', '-')}-{n}");
        }

        // One that was begun without our learning of it can't be taken back before it is old.
        Assert.Equal(what is "refused after" or "answer lost" ? 1 : 0, _server.Bucket.Uploads);
    }

    [Fact]
    public async Task A_connection_that_breaks_within_an_object_is_resumed_where_it_broke()
    {
        byte[] content = Bytes(4 << 20);
        await Store.CreateAsync("large", ObjectContent.Of(content), Never);
        int reads = 0;
        _server.Faults = call => call.Operation == "GetObject" && ++reads < 5 ? new S3Fault.Truncate(700_000) : null;
        using Stream stream = (await Store.OpenAsync("large", 0, null, Never))!;
        using var read = new MemoryStream();
        await stream.CopyToAsync(read, Never);
        Assert.Equal(content, read.ToArray());
        Assert.Equal(5, reads);
    }

    [Fact]
    public async Task An_object_that_changes_while_it_is_read_is_an_error()
    {
        await Store.CreateAsync("large", ObjectContent.Of(Bytes(4 << 20)), Never);
        _server.Faults = call => call.Operation == "GetObject" ? new S3Fault.Truncate(700_000) : null;
        using Stream stream = (await Store.OpenAsync("large", 0, null, Never))!;
        await stream.ReadExactlyAsync(new byte[1_000], Never);
        _server.Bucket["archive/large"] = Bytes(4 << 20, seed: 2);
        _server.Faults = _ => null;
        ObjectDamagedException failure = await Assert.ThrowsAsync<ObjectDamagedException>(() => stream.CopyToAsync(Stream.Null, Never));
        Assert.StartsWith("large in s3://bucket/archive has changed or gone while it was read", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_that_stalls_is_given_up_and_made_again()
    {
        await using var store = new S3Store(_server.Options() with { StallTimeout = TimeSpan.FromMilliseconds(200) });
        _server.Faults = call => call.Number % 2 == 1 ? new S3Fault.Stall() : null;
        Assert.True(await store.CreateAsync("x", ObjectContent.Of(Text("x")), Never));
        Assert.NotNull(await store.GetAsync("x", Never));
    }

    [Theory]
    [InlineData(403, "InvalidAccessKeyId", "Check the access key and its secret.", false)]
    [InlineData(403, "AccessDenied", "Give this access key the right to list, read and write there.", false)]
    [InlineData(403, "RequestTimeTooSkewed", "This machine's clock or the store's is wrong: set it right.", false)]
    [InlineData(404, "NoSuchBucket", "Create the bucket, or correct Archive:Url.", false)]
    [InlineData(503, "SlowDown", "It is tried again; check the network and the store.", true)]
    public async Task What_a_store_refuses_is_said_with_what_to_do(int status, string code, string hint, bool mayPass)
    {
        await using var store = new S3Store(_server.Options() with { Retries = 2 });
        _server.Faults = _ => new S3Fault.Refuse(status, code);
        ObjectStoreException failure = await Assert.ThrowsAsync<ObjectStoreException>(() => store.CreateAsync("x", ObjectContent.Of(Text("x")), Never));
        Assert.StartsWith($"Can't create x in s3://bucket/archive: {code}: ", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith(hint, failure.Message, StringComparison.Ordinal);
        Assert.Equal(mayPass, failure.MayPass);
        Assert.Equal(mayPass ? 3 : 1, _server.Calls.Count);
    }

    [Fact]
    public async Task A_store_that_is_not_there_is_said_so()
    {
        await using var store = new S3Store(_server.Options() with { Endpoint = new Uri($"http://127.0.0.1:{ExternalClickHouse.FreePort()}"), Retries = 2 });
        ObjectStoreException failure = await Assert.ThrowsAsync<ObjectStoreException>(() => store.GetAsync("x", Never));
        Assert.StartsWith("Can't read x in s3://bucket/archive: ", failure.Message, StringComparison.Ordinal);
        Assert.True(failure.MayPass);
    }

    [Fact]
    public async Task An_upload_that_fails_is_taken_back_and_one_that_a_crash_left_after_a_day()
    {
        _server.Faults = call => call.Operation == "UploadPart" ? new S3Fault.Refuse(403, "AccessDenied") : null;
        await Assert.ThrowsAsync<ObjectStoreException>(() => Store.CreateAsync("large", ObjectContent.Of(Bytes(6 << 20)), Never));
        Assert.Equal(0, _server.Bucket.Uploads);

        _server.Faults = call => call.Operation is "UploadPart" or "AbortMultipartUpload" ? new S3Fault.Refuse(403, "AccessDenied") : null;
        await Assert.ThrowsAsync<ObjectStoreException>(() => Store.CreateAsync("large", ObjectContent.Of(Bytes(6 << 20)), Never));
        Assert.Equal(1, _server.Bucket.Uploads);

        _server.Faults = _ => null;
        Assert.Equal(0, await Store.TakeBackForgottenAsync(TimeSpan.FromDays(1), Never));
        Assert.Equal(1, await Store.TakeBackForgottenAsync(TimeSpan.FromDays(-1), Never));
        Assert.Equal(0, _server.Bucket.Uploads);
    }

    [Fact]
    public async Task A_store_that_ignores_conditions_is_seen_through()
    {
        await using S3Server liar = await S3Server.StartAsync(new S3Bucket { IgnoresConditions = true });
        await using var store = new S3Store(liar.Options());
        string[] failed = [.. (await new ObjectStoreProbe(store, largeBytes: 6 << 20).RunAsync(_ => { }, Never)).Where(finding => !finding.IsGood).Select(finding => finding.What)];
        Assert.Contains("creates an object once only", failed);
        Assert.Contains("lets one of several create an object", failed);
        Assert.Contains("doesn't replace one that has", failed);
        Assert.Contains(await new ObjectStoreProbe(store).RunShortAsync(Never), finding => !finding.IsGood);
    }

    [Fact]
    public async Task With_one_writer_declared_it_looks_before_it_writes()
    {
        await using S3Server liar = await S3Server.StartAsync(new S3Bucket { IgnoresConditions = true });
        await using var store = new S3Store(liar.Options() with { HasConditionalWrites = false });
        Assert.True(await store.CreateAsync("x", ObjectContent.Of(Text("1")), Never));
        Assert.False(await store.CreateAsync("x", ObjectContent.Of(Text("2")), Never));
        ObjectVersion first = Assert.NotNull(await store.ReplaceAsync("head", Text("1"), null, Never));
        Assert.NotNull(await store.ReplaceAsync("head", Text("2"), first, Never));
        Assert.Null(await store.ReplaceAsync("head", Text("3"), first, Never));
    }

    [Fact]
    public async Task What_others_keep_in_the_bucket_is_none_of_ours()
    {
        _server.Bucket["archive/with space"] = Text("x");
        _server.Bucket["archive-2/x"] = Text("x");
        _server.Bucket["x"] = Text("x");
        await Store.CreateAsync("ours", ObjectContent.Of(Text("x")), Never);
        Assert.Equal(["ours"], await NamesAsync("", null));
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _server.DisposeAsync();
    }

    protected override async Task<IObjectStore> OpenAsync()
    {
        _server = await S3Server.StartAsync(new S3Bucket { PageSize = 10 });
        return new S3Store(_server.Options());
    }

    private static S3Fault Fault(string what) => what switch
    {
        "refused" => new S3Fault.Refuse(503, "SlowDown"),
        "refused after" => new S3Fault.RefuseAfter(500, "InternalError"),
        "cut" => new S3Fault.Cut(),
        "answer lost" => new S3Fault.LoseAnswer(),
        _ => new S3Fault.Refuse(409, "ConditionalRequestConflict"),
    };

    private async Task DoEverythingAsync(string name)
    {
        byte[] small = Text(name), large = Bytes(6 << 20);
        bool isCreated = await Store.CreateAsync(name, ObjectContent.Of(small), Never);
        Assert.True(isCreated || await TextOfAsync(name) == name);
        bool isLargeCreated = await Store.CreateAsync(name + "/large", ObjectContent.Of(large), Never);
        Assert.Equal(large, (await Store.GetAsync(name + "/large", Never))!.Content.ToArray());
        Assert.True(isCreated || isLargeCreated); // at most one call failed
        Assert.False(await Store.CreateAsync(name, ObjectContent.Of(Text("other")), Never));
        ObjectVersion first = Assert.NotNull(await Store.ReplaceAsync(name + "/head", Text("1"), null, Never));
        Assert.NotNull(await Store.ReplaceAsync(name + "/head", Text("2"), first, Never));
        Assert.Null(await Store.ReplaceAsync(name + "/head", Text("3"), first, Never));
        Assert.Equal("2", await TextOfAsync(name + "/head"));
        using (Stream stream = (await Store.OpenAsync(name, 1, 2, Never))!) Assert.Equal(2, await stream.ReadAsync(new byte[5], Never));
        Assert.Equal([name, name + "/head", name + "/large"], await NamesAsync(name, null));
        await Store.DeleteAsync(name, Never);
        Assert.Null(await Store.FindAsync(name, Never));
    }
}
