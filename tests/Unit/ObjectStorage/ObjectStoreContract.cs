using System.Text;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Tests.Unit.ObjectStorage;

/// <summary>What every store does for one writer, whichever it is.</summary>
public abstract class ObjectStoreContract : IAsyncLifetime
{
    protected static readonly CancellationToken Never = CancellationToken.None;

    protected IObjectStore Store { get; private set; } = null!;

    public static TheoryData<int> Lengths => [0, 1, 65_535, 65_536, 65_537, 131_072, (5 << 20) + 1, 11 << 20];

    public async ValueTask InitializeAsync() => Store = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Store.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public async Task What_is_created_is_read_whole_and_in_part(int length)
    {
        byte[] content = Bytes(length);
        Assert.True(await Store.CreateAsync("a/b", ObjectContent.Of(content), Never));
        if (length == 0 && !ReadsEmptyObjects)
        {
            await Assert.ThrowsAsync<ObjectStoreException>(() => Store.GetAsync("a/b", Never)); // said, and not taken for something else
            return;
        }

        Assert.Equal(content, (await Store.GetAsync("a/b", Never))!.Content.ToArray());
        Assert.Equal(length, (await Store.FindAsync("a/b", Never))!.Length);
        foreach ((int offset, int? part) in new (int, int?)[] { (0, null), (0, 10), (length / 2, null), (length / 2, 7), (65_536, 1), (length - 1, 5), (length, null), (length + 70_000, 3) })
        {
            if (offset < 0) continue;
            byte[] expected = [.. content.Skip(offset).Take(part ?? length)];
            using Stream stream = (await Store.OpenAsync("a/b", offset, part, Never))!;
            using var read = new MemoryStream();
            await stream.CopyToAsync(read, Never);
            Assert.Equal(expected.Length, stream.Length);
            Assert.True(expected.AsSpan().SequenceEqual(read.ToArray()), $"{part} bytes from {offset} on are others");
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(6 << 20)]
    public async Task A_name_is_created_once(int length)
    {
        Assert.True(await Store.CreateAsync("once", ObjectContent.Of(Bytes(length)), Never));
        Assert.False(await Store.CreateAsync("once", ObjectContent.Of(new byte[length]), Never));
        Assert.Equal(Bytes(length), (await Store.GetAsync("once", Never))!.Content.ToArray());
    }

    [Fact]
    public async Task An_object_is_replaced_only_by_who_knows_it()
    {
        Assert.Null(await Store.ReplaceAsync("head", Text("0"), new ObjectVersion("\"other\""), Never));
        ObjectVersion first = Assert.NotNull(await Store.ReplaceAsync("head", Text("1"), null, Never));
        Assert.Null(await Store.ReplaceAsync("head", Text("x"), null, Never));
        ObjectVersion second = Assert.NotNull(await Store.ReplaceAsync("head", Text("2"), first, Never));
        Assert.Null(await Store.ReplaceAsync("head", Text("y"), first, Never));
        Assert.Equal("2", await TextOfAsync("head"));
        Assert.Equal(second, (await Store.GetAsync("head", Never))!.Version);
    }

    [Fact]
    public async Task Objects_are_listed_in_order_page_by_page_and_from_a_name_on()
    {
        string[] names = [.. Enumerable.Range(0, 25).Select(i => $"log/{i:X2}/x"), "log/1A.b", "other/a"];
        foreach (string name in names.Reverse()) await Store.CreateAsync(name, ObjectContent.Of(Text(name)), Never);

        string[] log = [.. names[..26].Order(StringComparer.Ordinal)];
        Assert.Equal(log, await NamesAsync("log/", null));
        Assert.Equal(log[10..], await NamesAsync("log/", log[9]));
        Assert.Equal(log[10..], await NamesAsync("log/", log[9] + "-"));
        Assert.Equal(["log/10/x", "log/11/x", "log/12/x", "log/13/x", "log/14/x", "log/15/x", "log/16/x", "log/17/x", "log/18/x", "log/1A.b"], await NamesAsync("log/1", null));
        Assert.Empty(await NamesAsync("none/", null));
        Assert.All(await Store.ListAsync("", null, Never).ToArrayAsync(), found => Assert.Equal(found.Name.Length, found.Length));
    }

    [Fact]
    public async Task What_is_deleted_is_gone_and_can_be_created_anew()
    {
        await Store.CreateAsync("gone", ObjectContent.Of(Text("1")), Never);
        await Store.DeleteAsync("gone", Never);
        await Store.DeleteAsync("gone", Never);
        Assert.Null(await Store.FindAsync("gone", Never));
        Assert.Empty(await NamesAsync("", null));
        Assert.True(await Store.CreateAsync("gone", ObjectContent.Of(Text("2")), Never));
    }

    [Fact]
    public async Task What_is_not_there_is_null()
    {
        Assert.Null(await Store.GetAsync("none", Never));
        Assert.Null(await Store.FindAsync("none", Never));
        Assert.Null(await Store.OpenAsync("none", 0, null, Never));
        Assert.Null(await Store.OpenAsync("none", 100_000, 5, Never));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("../a")]
    [InlineData("a/../b")]
    [InlineData(".lock")]
    [InlineData("a b")]
    [InlineData("ä")]
    public async Task A_name_that_leads_elsewhere_is_refused(string name)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => Store.CreateAsync(name, ObjectContent.Of(Text("x")), Never));
        await Assert.ThrowsAsync<ArgumentException>(() => Store.GetAsync(name, Never));
    }

    [Fact]
    public async Task Content_that_is_shorter_than_announced_leaves_nothing()
    {
        await Assert.ThrowsAnyAsync<IOException>(() => Store.CreateAsync("short", new ObjectContent(1_000, () => new MemoryStream(new byte[999])), Never));
        await Assert.ThrowsAnyAsync<IOException>(() => Store.CreateAsync("short", new ObjectContent(6 << 20, () => new MemoryStream(new byte[(6 << 20) - 1])), Never));
        Assert.Empty(await NamesAsync("", null));
    }

    [Fact]
    public async Task The_clock_is_the_stores()
    {
        await Store.CreateAsync("x", ObjectContent.Of(Text("x")), Never);
        Assert.InRange(Store.Now, DateTimeOffset.UtcNow.AddSeconds(-5), DateTimeOffset.UtcNow.AddSeconds(5));
    }

    protected virtual bool ReadsEmptyObjects => true;

    protected abstract Task<IObjectStore> OpenAsync();

    protected static byte[] Text(string text) => Encoding.ASCII.GetBytes(text);

    protected static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    protected async Task<string?> TextOfAsync(string name) => await Store.GetAsync(name, Never) is { } found ? Encoding.ASCII.GetString(found.Content.Span) : null;

    protected async Task<string[]> NamesAsync(string prefix, string? behind) => await Store.ListAsync(prefix, behind, Never).Select(found => found.Name).ToArrayAsync();
}

/// <summary>And what one does that many may write to.</summary>
public abstract class SharedStoreContract : ObjectStoreContract
{
    [Fact]
    public async Task One_of_many_creates_an_object()
    {
        bool[] won = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => Store.CreateAsync("race", ObjectContent.Of(Text($"{i}")), Never))));
        Assert.Equal($"{Assert.Single(Enumerable.Range(0, 16), i => won[i])}", await TextOfAsync("race"));
    }

    [Fact]
    public async Task One_of_many_replaces_an_object()
    {
        ObjectVersion? before = await Store.ReplaceAsync("head", Text("before"), null, Never);
        ObjectVersion?[] after = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => Store.ReplaceAsync("head", Text($"{i}"), before, Never))));
        Assert.Equal($"{Assert.Single(Enumerable.Range(0, 16), i => after[i] is not null)}", await TextOfAsync("head"));
    }

    [Fact]
    public async Task A_good_store_passes_the_probe_and_keeps_nothing_of_it()
    {
        Assert.All(await new ObjectStoreProbe(Store, largeBytes: 6 << 20, manyObjects: 30).RunAsync(_ => { }, Never), finding => Assert.True(finding.IsGood, $"{finding.What}: {finding.Failure}"));
        Assert.All(await new ObjectStoreProbe(Store).RunShortAsync(Never), finding => Assert.True(finding.IsGood, $"{finding.What}: {finding.Failure}"));
        Assert.Empty(await NamesAsync("", null));
    }
}
