using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Tests.Unit.ObjectStorage;

public sealed class DirectoryStoreTests : SharedStoreContract
{
    private readonly TemporaryDirectory _directory = new();

    private string Root => Path.Combine(_directory.Path, "store");

    [Fact]
    public async Task Stores_of_several_processes_are_one()
    {
        DirectoryStore[] stores = [.. Enumerable.Range(0, 4).Select(_ => new DirectoryStore(Root))];
        bool[] won = await Task.WhenAll(Enumerable.Range(0, 32).Select(i => Task.Run(() => stores[i % 4].CreateAsync("race", ObjectContent.Of(Text($"{i}")), Never))));
        Assert.Equal($"{Assert.Single(Enumerable.Range(0, 32), i => won[i])}", await TextOfAsync("race"));
    }

    [Fact]
    public async Task What_a_crash_left_is_deleted_after_a_day_and_not_before()
    {
        Directory.CreateDirectory(Path.Combine(Root, ".incoming"));
        string forgotten = Path.Combine(Root, ".incoming", "forgotten"), recent = Path.Combine(Root, ".incoming", "recent");
        File.WriteAllText(forgotten, "x");
        File.WriteAllText(recent, "x");
        File.SetLastWriteTimeUtc(forgotten, DateTime.UtcNow.AddDays(-2));
        Assert.Equal(1, await Store.TakeBackForgottenAsync(TimeSpan.FromDays(1), Never));
        Assert.Equal([recent], Directory.GetFiles(Path.Combine(Root, ".incoming")));
    }

    [Fact]
    public async Task Folders_that_have_become_empty_go()
    {
        await Store.CreateAsync("a/b/c", ObjectContent.Of(Text("x")), Never);
        await Store.CreateAsync("a/d", ObjectContent.Of(Text("x")), Never);
        await Store.DeleteAsync("a/b/c", Never);
        Assert.False(Directory.Exists(Path.Combine(Root, "a/b")));
        Assert.True(Directory.Exists(Path.Combine(Root, "a")));
        await Store.DeleteAsync("a/d", Never);
        Assert.False(Directory.Exists(Path.Combine(Root, "a")));
    }

    [Fact]
    public async Task Objects_are_their_owners_alone()
    {
        await Store.CreateAsync("a/b", ObjectContent.Of(Text("x")), Never);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(Root, "a/b")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(Root, "a")));
    }

    [Fact]
    public async Task A_directory_that_is_a_file_is_said_so()
    {
        string path = Path.Combine(_directory.Path, "file");
        await File.WriteAllTextAsync(path, "x");
        ObjectStoreException failure = await Assert.ThrowsAsync<ObjectStoreException>(() => new DirectoryStore(path).CreateAsync("x", ObjectContent.Of(Text("x")), Never));
        Assert.StartsWith($"Can't create x in {path}: ", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("Is its disk mounted, writable and not full?", failure.Message, StringComparison.Ordinal);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Dispose();
    }

    protected override Task<IObjectStore> OpenAsync() => Task.FromResult<IObjectStore>(new DirectoryStore(Root));
}
