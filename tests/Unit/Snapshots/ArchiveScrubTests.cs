using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Storage.Snapshots;
using TraceStore.Tests.Unit.Archive;

namespace TraceStore.Tests.Unit.Snapshots;

public sealed class ArchiveScrubTests : IDisposable
{
    private static readonly DateOnly s_day = new(2026, 11, 28);

    private readonly TemporaryDirectory _place = new();
    private readonly MemoryStore _store = new();

    private ArchiveScrub Scrub => new(_store, NullLogger<ArchiveScrub>.Instance);

    [Fact]
    public async Task In_thirty_days_every_object_is_read_and_the_newest_snapshot_each_day()
    {
        SnapshotManifest newest = await FillAsync();
        Dictionary<string, int> reads = [];
        _store.Before = (operation, name, isBefore) =>
        {
            if (isBefore && operation is "get" or "open" && (name.StartsWith("packs/", StringComparison.Ordinal) || name.StartsWith("log/", StringComparison.Ordinal))) reads[name] = reads.GetValueOrDefault(name) + 1;
        };
        for (int day = 0; day < ArchiveScrub.Days; day++) Assert.Empty((await Scrub.RunAsync(s_day.AddDays(day), _ => { }, default)).Damaged);
        HashSet<string> always = [.. newest.Packs.Select(pack => SnapshotNames.Pack(pack.Name))];
        List<string> all = await _store.ListAsync("", null, default).Select(found => found.Name).Where(name => name.StartsWith("packs/", StringComparison.Ordinal) || name.StartsWith("log/", StringComparison.Ordinal)).ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal(all.Order(StringComparer.Ordinal), reads.Keys.Order(StringComparer.Ordinal));
        Assert.All(reads, read => Assert.Equal(always.Contains(read.Key) ? ArchiveScrub.Days : 1, read.Value));
        Assert.NotNull((await new SnapshotCatalogue(_store).ListAsync(default))[^1].Verified);
    }

    [Fact]
    public async Task Whatever_is_damaged_is_named_with_the_instants_that_it_touches_and_condemned()
    {
        await FillAsync();
        List<string> names = await _store.ListAsync("", null, default).Select(found => found.Name).Where(name => name.StartsWith("packs/", StringComparison.Ordinal) || name.StartsWith("log/", StringComparison.Ordinal)).ToListAsync(TestContext.Current.CancellationToken);
        foreach (string name in names)
        {
            byte[] content = _store[name]!, damaged = [.. content];
            damaged[damaged.Length / 3] ^= 1;
            _store[name] = damaged;
            List<string> told = [];
            for (int day = 0; day < ArchiveScrub.Days; day++) told.AddRange((await Scrub.RunAsync(s_day.AddDays(day), _ => { }, default)).Damaged);
            Assert.NotEmpty(told);
            Assert.All(told, message => Assert.StartsWith(name, message, StringComparison.Ordinal));
            if (name.StartsWith("log/", StringComparison.Ordinal)) Assert.Matches(@"Instants from about .*Z (to .*Z can't be restored|on can't be restored; from the next snapshot on they can: .*)\.$", told[0]);
            string condemned = Assert.Single(await _store.ListAsync(SnapshotNames.AllCondemned, null, default).Select(found => found.Name).ToListAsync(TestContext.Current.CancellationToken));
            Assert.Equal(name, SnapshotNames.OfCondemned(condemned));
            await _store.DeleteAsync(condemned, default);
            _store[name] = content;
        }
    }

    public void Dispose() => _place.Dispose();

    /// <summary>An archive of a few groups, two packs that an older snapshot has, and one of the newest.</summary>
    private async Task<SnapshotManifest> FillAsync()
    {
        var site = new ArchiveSite(Directory.CreateDirectory(Path.Combine(_place.Path, "data")).FullName, _store);
        await using (site)
        {
            site.Start();
            for (int i = 0; i < 5; i++)
            {
                await site.AppendAsync(i * 10, 10);
                await site.UntilArchivedAsync();
            }
        }

        List<PackReference> packs = [];
        for (int i = 0; i < 3; i++)
        {
            string folder = Directory.CreateDirectory(Path.Combine(_place.Path, $"part-{i}")).FullName;
            await File.WriteAllBytesAsync(Path.Combine(folder, "data.bin"), new byte[3_000 + i]);
            FolderPack pack = await FolderPack.OfAsync(folder, default);
            await _store.CreateAsync(SnapshotNames.Pack(pack.Name), pack.Content, default);
            packs.Add(new PackReference(pack.Name, pack.Content.Length));
        }

        SnapshotManifest older = Of(SnapshotManifestTests.Sample(DateTimeOffset.UtcNow.AddDays(-1), segment: 3), packs[..2]), newest = Of(SnapshotManifestTests.Sample(DateTimeOffset.UtcNow, segment: 4), packs[2..]);
        foreach (SnapshotManifest manifest in new[] { older, newest }) _store[SnapshotNames.Manifest(manifest.Id)] = manifest.Encode();
        return newest;
    }

    private static SnapshotManifest Of(SnapshotManifest manifest, IEnumerable<PackReference> packs) => manifest with
    {
        Quarantine = null,
        Tables = [new SnapshotTable("spans", [new SnapshotPartition("20261127", 1, "", [.. packs.Select(pack => new SnapshotPart("20261127_1_1_0", 1, "", pack))])])],
    };
}
