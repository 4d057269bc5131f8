using TraceStore.Storage.ObjectStorage;
using TraceStore.Tests.S3;

namespace TraceStore.Tests.Unit.ObjectStorage;

public sealed class EncryptedStoreTests : SharedStoreContract
{
    private readonly TemporaryDirectory _directory = new();

    private string Root => Path.Combine(_directory.Path, "store");

    [Theory]
    [InlineData(0)]
    [InlineData(1_000)]
    [InlineData(131_072)]
    [InlineData(200_000)]
    public async Task No_byte_can_be_changed_left_out_or_added_unnoticed(int length)
    {
        byte[] content = Bytes(length);
        await Store.CreateAsync("x", ObjectContent.Of(content), Never);
        byte[] stored = await File.ReadAllBytesAsync(PathOf("x"));
        var random = new Random(5);
        int[] places = [.. Enumerable.Range(0, Math.Min(60, stored.Length)), .. Enumerable.Range(0, 40).Select(_ => random.Next(stored.Length))];
        foreach (int at in places)
        {
            byte[] changed = [.. stored];
            changed[at] ^= (byte)random.Next(1, 256);
            await AssertRefusedAsync(changed);
        }

        foreach (int cut in new[] { 1, 16, 17, 65_552, stored.Length - 40, stored.Length }.Where(cut => cut <= stored.Length)) await AssertRefusedAsync(stored[..^cut]);
        await AssertRefusedAsync([.. stored, 0]);
        await AssertRefusedAsync([.. stored, .. new byte[65_552]]);
        if (length > 131_072) await AssertRefusedAsync([.. stored[..35], .. stored[65_587..131_139], .. stored[35..65_587], .. stored[131_139..]]);

        await File.WriteAllBytesAsync(PathOf("x"), stored);
        Assert.Equal(content, (await Store.GetAsync("x", Never))!.Content.ToArray());
    }

    [Fact]
    public async Task Nothing_of_the_content_is_in_the_store()
    {
        await Store.CreateAsync("x", ObjectContent.Of(Text(new string('s', 100_000))), Never);
        Assert.Equal(-1, (await File.ReadAllBytesAsync(PathOf("x"))).AsSpan().IndexOf("ssss"u8));
    }

    [Fact]
    public async Task An_object_under_another_name_is_refused()
    {
        await Store.CreateAsync("a", ObjectContent.Of(Text("of a")), Never);
        File.Copy(PathOf("a"), PathOf("b"));
        ObjectDamagedException failure = await Assert.ThrowsAsync<ObjectDamagedException>(() => Store.GetAsync("b", Never));
        Assert.Equal($"Can't decrypt b in {Root}: it is a under another name.", failure.Message);
    }

    [Fact]
    public async Task After_a_rotation_old_objects_are_read_and_new_ones_need_the_new_key()
    {
        EncryptionKeys first = Keys(1), both = Keys(2, 1);
        await Store.CreateAsync("old", ObjectContent.Of(Text("old")), Never);
        var rotated = new EncryptedStore(new DirectoryStore(Root), both);
        await rotated.CreateAsync("new", ObjectContent.Of(Text("new")), Never);
        Assert.NotNull(await rotated.GetAsync("old", Never));
        Assert.NotNull(await rotated.GetAsync("new", Never));

        ObjectStoreException failure = await Assert.ThrowsAsync<ObjectStoreException>(() => Store.GetAsync("new", Never));
        Assert.Equal($"Can't decrypt new in {Root}: it needs key {both.CurrentId}; the key file has {first.CurrentId}. Add the key to Archive:KeyFile.", failure.Message);
    }

    [Fact]
    public async Task What_was_never_encrypted_is_refused()
    {
        await new DirectoryStore(Root).CreateAsync("plain", ObjectContent.Of(Bytes(100)), Never);
        ObjectDamagedException failure = await Assert.ThrowsAsync<ObjectDamagedException>(() => Store.GetAsync("plain", Never));
        Assert.Contains("it isn't encrypted.", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_objects_file_and_the_key_are_enough_to_read_it()
    {
        byte[] content = Bytes(200_000);
        await Store.CreateAsync("log/1", ObjectContent.Of(content), Never);
        using FileStream file = File.OpenRead(PathOf("log/1"));
        using var plain = new MemoryStream();
        Assert.Equal("log/1", await EncryptedStore.DecryptFileAsync(Keys(1), file, plain, Never));
        Assert.Equal(content, plain.ToArray());
    }

    [Theory]
    [InlineData("", "has no key in it")]
    [InlineData("# only a comment\n", "has no key in it")]
    [InlineData("abc\n", "line 1: expected a key of 64 hexadecimal digits")]
    public async Task A_key_file_that_is_none_is_said_so(string text, string expected)
    {
        string path = Path.Combine(_directory.Path, "keys");
        await File.WriteAllTextAsync(path, text);
        Assert.Contains(expected, Assert.Throws<InvalidDataException>(() => EncryptionKeys.ReadFile(path)).Message, StringComparison.Ordinal);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Dispose();
    }

    protected override Task<IObjectStore> OpenAsync() => Task.FromResult<IObjectStore>(new EncryptedStore(new DirectoryStore(Root), Keys(1)));

    /// <summary>Keys that are told apart by a digit.</summary>
    internal static EncryptionKeys Keys(params int[] digits)
    {
        string path = Path.GetTempFileName();
        File.WriteAllLines(path, ["# of a test", .. digits.Select(digit => new string((char)('0' + digit), 64))]);
        try
        {
            return EncryptionKeys.ReadFile(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private string PathOf(string name) => Path.Combine(Root, name);

    private async Task AssertRefusedAsync(byte[] stored)
    {
        await File.WriteAllBytesAsync(PathOf("x"), stored);
        await Assert.ThrowsAnyAsync<IOException>(() => Store.GetAsync("x", Never));
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            using Stream stream = (await Store.OpenAsync("x", 0, null, Never))!;
            await stream.CopyToAsync(Stream.Null, Never);
        });
    }
}

public sealed class EncryptedS3StoreTests : SharedStoreContract
{
    private S3Server _server = null!;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _server.DisposeAsync();
    }

    protected override async Task<IObjectStore> OpenAsync()
    {
        _server = await S3Server.StartAsync(new S3Bucket { PageSize = 10 });
        return new EncryptedStore(new S3Store(_server.Options()), EncryptedStoreTests.Keys(1));
    }
}
