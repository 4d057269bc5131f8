using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Snapshots;

namespace TraceStore.Tests.Unit.Snapshots;

public sealed class SnapshotCatalogueTests : IDisposable
{
    private readonly TemporaryDirectory _place = new();
    private readonly MemoryStore _store = new();

    private SnapshotCatalogue Catalogue => new(_store);

    [Fact]
    public async Task Snapshots_are_listed_oldest_first_with_what_is_said_of_them()
    {
        SnapshotManifest second = await CreateAsync(20), first = await CreateAsync(10);
        await Catalogue.PinAsync(first.Id, default);
        await Catalogue.PinAsync(first.Id, default);
        await Catalogue.VerifyAsync(second, _ => { }, default);
        _store["snapshots/nonsense/manifest.json"] = [1];
        _store[SnapshotNames.Pin(first.Id with { Epoch = 9 })] = []; // one that is deleted, or not yet there

        IReadOnlyList<SnapshotEntry> entries = await Catalogue.ListAsync(default);
        Assert.Equal([first.Id, second.Id], entries.Select(entry => entry.Id));
        Assert.Equal([true, false], entries.Select(entry => entry.IsPinned));
        Assert.Equal([false, true], entries.Select(entry => entry.Verified is not null));

        await Catalogue.UnpinAsync(first.Id, default);
        await Catalogue.DeleteAsync(second.Id, default);
        Assert.Equal([new SnapshotEntry(first.Id, false, null)], await Catalogue.ListAsync(default));
        Assert.DoesNotContain(await _store.ListAsync(SnapshotNames.All + second.Id, null, default).ToListAsync(TestContext.Current.CancellationToken), _ => true);
        await Assert.ThrowsAsync<FileNotFoundException>(() => Catalogue.ReadAsync(second.Id, default));
    }

    [Fact]
    public async Task What_is_missing_or_cut_is_named()
    {
        SnapshotManifest manifest = await CreateAsync(10);
        await Catalogue.ProveAsync(manifest, default);
        string name = SnapshotNames.Pack(manifest.Packs.First().Name);
        byte[] content = _store[name]!;
        _store[name] = content[..^1];
        Assert.Equal($"Snapshot {manifest.Id} in memory needs 1 objects that are missing there, have another length or were found damaged: {name}.", (await Assert.ThrowsAsync<ObjectDamagedException>(() => Catalogue.ProveAsync(manifest, default))).Message);
        await _store.DeleteAsync(name, default);
        await Assert.ThrowsAsync<ObjectDamagedException>(() => Catalogue.VerifyAsync(manifest, _ => { }, default));
        Assert.Null((await Catalogue.ListAsync(default)).Single().Verified);
    }

    [Fact]
    public async Task What_is_damaged_in_the_store_is_named_and_what_was_damaged_on_the_way_is_read_again()
    {
        SnapshotManifest manifest = await CreateAsync(10);
        string name = SnapshotNames.Pack(manifest.Packs.First().Name);
        byte[] content = _store[name]!, damaged = [.. content];
        damaged[600] ^= 1;
        int reads = 0;
        _store.Before = (operation, of, isBefore) =>
        {
            if (operation == "open" && of == name && isBefore) _store[name] = reads++ == 0 ? damaged : content;
        };
        await Catalogue.UnpackAsync(manifest.Packs.First(), Path.Combine(_place.Path, "once"), null, default);
        Assert.Equal(2, reads);

        _store.Before = (_, _, _) => { };
        _store[name] = damaged;
        await Catalogue.ProveAsync(manifest, default); // its length is right
        string message = (await Assert.ThrowsAsync<ObjectDamagedException>(() => Catalogue.VerifyAsync(manifest, _ => { }, default))).Message;
        Assert.Equal($"{name} in memory is damaged: its files have other contents than its SHA256SUMS say, data.bin for one.", message);
        await Assert.ThrowsAsync<ObjectDamagedException>(() => Catalogue.ProveAsync(manifest, default));
        _store[name] = content;
        await Catalogue.VerifyAsync(manifest, _ => { }, default);
        await Catalogue.ProveAsync(manifest, default); // and is condemned no more
    }

    public void Dispose() => _place.Dispose();

    private async Task<SnapshotManifest> CreateAsync(int minute)
    {
        SnapshotManifest manifest = SnapshotManifestTests.Sample(new DateTimeOffset(2026, 11, 27, 10, minute, 0, TimeSpan.Zero));
        string folder = Directory.CreateDirectory(Path.Combine(_place.Path, $"{minute}")).FullName;
        await File.WriteAllBytesAsync(Path.Combine(folder, "data.bin"), new byte[600 + minute]);
        FolderPack pack = await FolderPack.OfAsync(folder, default);
        await _store.CreateAsync(SnapshotNames.Pack(pack.Name), pack.Content, default);
        var reference = new PackReference(pack.Name, pack.Content.Length);
        manifest = manifest with { Quarantine = null, Tables = [new SnapshotTable("spans", [new SnapshotPartition("20261127", 1, "", [new SnapshotPart("20261127_1_1_0", 1, "", reference)])])] };
        _store[SnapshotNames.Manifest(manifest.Id)] = manifest.Encode();
        return manifest;
    }
}
