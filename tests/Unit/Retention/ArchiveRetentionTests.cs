using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Retention;
using TraceStore.Storage.Snapshots;
using TraceStore.Tests.Unit.Archive;

namespace TraceStore.Tests.Unit.Retention;

/// <summary>With the archiver that really writes there; what is planned is the simulation's business.</summary>
public sealed class ArchiveRetentionTests : IDisposable
{
    private readonly TemporaryDirectory _place = new();
    private readonly MemoryStore _store = new();

    [Fact]
    public async Task The_head_says_so_first_and_then_goes_what_no_instant_needs_while_the_archive_goes_on()
    {
        await using var site = new ArchiveSite(_place.Path, _store) { Lease = TimeSpan.FromSeconds(30) };
        site.Start();
        for (int i = 0; i < 4; i++)
        {
            await site.AppendAsync(i * 10, 10);
            await site.UntilArchivedAsync();
        }

        await Eventually.BeTrueAsync("a head that knows it", async () => (await ArchiveSite.HeadAsync(_store)).Frontier is { Groups: >= 4, CompleteThrough: not null });
        ArchiveHead head = await ArchiveSite.HeadAsync(_store);
        LogGroup[] groups = await ArchiveSite.GroupsAsync(_store);
        SnapshotManifest manifest = await SnapshotAsync(head, groups[2].Place.First);

        // Nothing goes before the head has said so
        _store.Before = (operation, name, isBefore) =>
        {
            if (operation == "delete" && isBefore) Assert.NotNull(ArchiveHead.Decode(_store, _store[ArchiveNames.Head]).Trim);
        };
        var options = new ArchiveRetentionOptions { PointInTimeWindow = TimeSpan.Zero };
        var retention = new ArchiveRetention(_store, () => site.Archiver.Archived, site.Archiver.TrimAsync, options, NullLogger<ArchiveRetention>.Instance);
        int deleted = await retention.RunAsync(DateTimeOffset.UtcNow, default);
        Assert.Equal(2, deleted);
        Assert.Equal(groups[2..].Select(group => ArchiveNames.Group(1, group.Place.First)), await _store.ListAsync(ArchiveNames.AllLogs, null, default).Select(found => found.Name).ToListAsync(TestContext.Current.CancellationToken));
        Assert.Equal([new TrimmedLog(1, groups[2].Place.First)], (await ArchiveSite.HeadAsync(_store)).Trim!.Logs);
        await site.AppendAsync(100, 10);
        await site.UntilArchivedAsync();
        Assert.NotNull((await ArchiveSite.HeadAsync(_store)).Trim); // renewals keep it
        Assert.NotNull(await new SnapshotCatalogue(_store).ReadAsync(manifest.Id, default));
    }

    public void Dispose() => _place.Dispose();

    private async Task<SnapshotManifest> SnapshotAsync(ArchiveHead head, ulong replayFrom)
    {
        var manifest = new SnapshotManifest(
            1, SnapshotId.At(head.Epochs[0].Began, 1, replayFrom), head.Lineage, head.Current.Log, head.Epochs[0].Began, head.Frontier, replayFrom, new SnapshotVersions("1", "1", 1), [], [], null, new Dictionary<string, string>(), []);
        await _store.CreateAsync(SnapshotNames.Manifest(manifest.Id), ObjectContent.Of(manifest.Encode()), default);
        return manifest;
    }
}
