using System.Diagnostics;
using System.Formats.Tar;
using System.Text;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Tests.Unit.Snapshots;

public sealed class FolderPackTests : IDisposable
{
    private readonly TemporaryDirectory _place = new();

    [Fact]
    public async Task What_is_packed_is_unpacked_and_is_as_long_as_it_says()
    {
        string folder = await FolderAsync(("empty", 0), ("one", 1), ("almost", 511), ("block", 512), ("more", 513), ("large", 3 << 20), ("a%2Eb.bin", 7), (new string('n', 99), 5), (new string('n', 100), 5), (new string('n', 101), 5), (new string('m', 180) + "ü", 9));
        FolderPack pack = await FolderPack.OfAsync(folder, default);
        byte[] content = await ReadAsync(pack.Content);
        Assert.Equal(pack.Content.Length, content.Length);
        Assert.Equal(content, await ReadAsync(pack.Content)); // a second attempt sends the same

        string back = Path.Combine(_place.Path, "back");
        long bytes = await FolderPack.UnpackAsync(new MemoryStream(content), pack.Name, back, null, default);
        AssertSame(folder, back);
        Assert.Equal(Directory.GetFiles(folder).Sum(file => new FileInfo(file).Length), bytes);
        Assert.Equal(bytes, await FolderPack.UnpackAsync(new MemoryStream(content), pack.Name, folder: null, null, default)); // looks, and writes nothing
    }

    [Fact]
    public async Task Equal_folders_are_one_object_and_others_are_not()
    {
        string first = await FolderAsync(("a", 100), ("b", 200)), second = Path.Combine(_place.Path, "second");
        Directory.CreateDirectory(second);
        foreach (string file in Directory.GetFiles(first)) File.Copy(file, Path.Combine(second, Path.GetFileName(file)));
        Assert.Equal((await FolderPack.OfAsync(first, default)).Name, (await FolderPack.OfAsync(second, default)).Name);
        File.Move(Path.Combine(second, "a"), Path.Combine(second, "c"));
        Assert.NotEqual((await FolderPack.OfAsync(first, default)).Name, (await FolderPack.OfAsync(second, default)).Name);
    }

    [Fact]
    public async Task It_is_unpacked_and_checked_with_nothing_but_tar_and_sha256sum()
    {
        string folder = await FolderAsync(("data.bin", 10_000), ("count.txt", 3), (new string('n', 120), 5));
        FolderPack pack = await FolderPack.OfAsync(folder, default);
        string back = Directory.CreateDirectory(Path.Combine(_place.Path, "back")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(_place.Path, pack.Name), await ReadAsync(pack.Content));
        using (Process shell = Process.Start(new ProcessStartInfo("sh", ["-c", $"cd {back} && tar xf ../{pack.Name} && sha256sum -c --quiet SHA256SUMS && test \"$(sha256sum < SHA256SUMS | cut -c1-64)\" = {pack.Name}"]))!)
        {
            await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, shell.ExitCode);
        }

        File.Delete(Path.Combine(back, "SHA256SUMS"));
        AssertSame(folder, back);
    }

    [Fact]
    public async Task Whatever_byte_is_flipped_or_wherever_it_is_cut_nothing_wrong_comes_out()
    {
        string folder = await FolderAsync(("data.bin", 700), ("count.txt", 3), (new string('n', 120), 5));
        FolderPack pack = await FolderPack.OfAsync(folder, default);
        byte[] content = await ReadAsync(pack.Content);
        int refused = 0;
        for (int at = 0; at < content.Length; at++)
        {
            byte[] damaged = [.. content];
            damaged[at] ^= (byte)(1 << (at % 8));
            refused += await IsRefusedAsync(damaged, pack.Name, folder, at) ? 1 : 0;
        }

        Assert.InRange(refused, content.Length / 5, content.Length); // the rest fills blocks, or says who owned a file
        for (int length = 0; length < content.Length - 1_024; length += 97) Assert.True(await IsRefusedAsync(content[..length], pack.Name, folder, length));
        Assert.True(await IsRefusedAsync(content, new string('0', 64), folder, 0), "under another name");
    }

    [Theory]
    [InlineData("../out")]
    [InlineData("/out")]
    [InlineData("sub/out")]
    [InlineData("..")]
    public async Task What_leads_out_of_the_folder_is_refused(string name)
    {
        var stream = new MemoryStream();
        await using (var tar = new TarWriter(stream, TarEntryFormat.Gnu, leaveOpen: true))
        {
            await tar.WriteEntryAsync(new GnuTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream([1]) }, TestContext.Current.CancellationToken);
        }

        stream.Position = 0;
        await Assert.ThrowsAsync<InvalidDataException>(() => FolderPack.UnpackAsync(stream, "x", Path.Combine(_place.Path, "inner", "back"), null, default));
        Assert.False(File.Exists(Path.Combine(_place.Path, "inner", "out")));
    }

    [Fact]
    public async Task A_link_is_refused()
    {
        var stream = new MemoryStream();
        await using (var tar = new TarWriter(stream, TarEntryFormat.Gnu, leaveOpen: true))
        {
            await tar.WriteEntryAsync(new GnuTarEntry(TarEntryType.SymbolicLink, "link") { LinkName = "/etc/passwd" }, TestContext.Current.CancellationToken);
        }

        stream.Position = 0;
        await Assert.ThrowsAsync<InvalidDataException>(() => FolderPack.UnpackAsync(stream, "x", Path.Combine(_place.Path, "back"), null, default));
    }

    [Fact]
    public async Task A_file_that_changes_meanwhile_is_no_object()
    {
        string folder = await FolderAsync(("a", 100_000));
        FolderPack pack = await FolderPack.OfAsync(folder, default);
        await File.AppendAllTextAsync(Path.Combine(folder, "a"), "x");
        await Assert.ThrowsAsync<IOException>(() => ReadAsync(pack.Content));
    }

    [Fact]
    public async Task Who_stops_reading_leaves_nothing_running()
    {
        FolderPack pack = await FolderPack.OfAsync(await FolderAsync(("a", 8 << 20)), default);
        for (int i = 0; i < 20; i++)
        {
            await using Stream stream = pack.Content.Open();
            await stream.ReadExactlyAsync(new byte[100], TestContext.Current.CancellationToken);
        }

        using (Stream stream = pack.Content.Open()) stream.ReadExactly(new byte[100]);
    }

    public void Dispose() => _place.Dispose();

    private async Task<bool> IsRefusedAsync(byte[] content, string name, string expected, int at)
    {
        string back = Path.Combine(_place.Path, $"back-{Guid.NewGuid()}");
        try
        {
            await FolderPack.UnpackAsync(new MemoryStream(content), name, back, null, default);
            AssertSame(expected, back);
            return false;
        }
        catch (InvalidDataException e)
        {
            Assert.NotEmpty(e.Message);
            return true;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"at {at}: {e.GetType()} {e.Message}", e);
        }
        finally
        {
            if (Directory.Exists(back)) Directory.Delete(back, recursive: true);
        }
    }

    private static void AssertSame(string expected, string found)
    {
        Assert.Equal(Directory.GetFiles(expected).Select(Path.GetFileName).Order(), Directory.GetFiles(found).Select(Path.GetFileName).Order());
        foreach (string file in Directory.GetFiles(expected)) Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(found, Path.GetFileName(file))));
    }

    private async Task<string> FolderAsync(params (string Name, int Length)[] files)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_place.Path, Guid.NewGuid().ToString())).FullName;
        foreach ((string name, int length) in files)
        {
            byte[] content = new byte[length];
            new Random(Encoding.UTF8.GetByteCount(name) + length).NextBytes(content);
            await File.WriteAllBytesAsync(Path.Combine(folder, name), content);
        }

        return folder;
    }

    private static async Task<byte[]> ReadAsync(ObjectContent content)
    {
        var copy = new MemoryStream();
        await using Stream stream = content.Open();
        await stream.CopyToAsync(copy);
        return copy.ToArray();
    }
}
