using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Tests.Unit.Archive;

public sealed class ArchiveLeaseTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly DirectoryStore _store;

    public ArchiveLeaseTests() => _store = new DirectoryStore(Path.Combine(_directory.Path, "archive"));

    [Fact]
    public async Task Another_data_directory_does_not_get_the_archive()
    {
        await Lease("first").TakeAsync(1);
        ArchiveNotOursException refusal = await Assert.ThrowsAsync<ArchiveNotOursException>(() => Lease("second").TakeAsync(1));
        Assert.StartsWith($"{_store.Address} holds the archive of another TraceStore (lineage ", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith("To have what is in it: tracestore restore. To archive this one: choose another place with Archive:Url.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_copy_of_the_data_directory_takes_over_and_the_original_learns_of_it()
    {
        ArchiveLease original = await Lease("first").TakeAsync(1);
        ArchiveLease copy = await Lease("first").TakeAsync(1);
        await Assert.ThrowsAsync<ArchiveNotOursException>(() => original.RenewAsync(ArchiveFrontier.Before(1), default));
        Assert.False(original.IsHeld);
        await copy.RenewAsync(ArchiveFrontier.Before(1), default);
    }

    [Fact]
    public async Task The_same_directory_goes_on_at_once_in_its_epoch_and_with_another_log_in_a_new_one()
    {
        await Lease("first").TakeAsync(1);
        ArchiveLease again = await Lease("first").TakeAsync(1);
        Assert.Equal(1u, again.Current.Number);
        ArchiveLease newLog = await Lease("first", log: 2).TakeAsync(7);
        Assert.Equal(2u, newLog.Current.Number);
        Assert.Equal(7ul, newLog.Current.First);
        Assert.Equal(new ArchiveOrigin(1, ArchiveFrontier.Before(1), Until: null), newLog.Current.From);
        Assert.Equal(again.Lineage, newLog.Lineage);
    }

    [Fact]
    public async Task An_old_writer_that_comes_back_after_a_restore_is_kept_out_for_good()
    {
        ArchiveLease old = await Lease("first").TakeAsync(1);
        await old.ReleaseAsync(ArchiveFrontier.Before(1), default);
        Directory.CreateDirectory(Path.Combine(_directory.Path, "second"));
        new ArchiveIdentity(Guid.NewGuid(), (await ArchiveSite.HeadAsync(_store)).Lineage, IsBegun: true, new ArchiveOrigin(1, ArchiveFrontier.Before(1), null)).Save(Path.Combine(_directory.Path, "second"));
        ArchiveLease restored = await Lease("second", log: 2).TakeAsync(1);
        Assert.Equal(2u, restored.Current.Number);
        await restored.ReleaseAsync(ArchiveFrontier.Before(1), default);
        ArchiveNotOursException refusal = await Assert.ThrowsAsync<ArchiveNotOursException>(() => Lease("first").TakeAsync(1));
        Assert.StartsWith($"The archive in {_store.Address} has gone on without this data directory: ", refusal.Message, StringComparison.Ordinal);
        await Lease("second", log: 2).TakeAsync(1);
    }

    [Fact]
    public async Task A_store_that_was_emptied_is_not_taken_for_a_new_one()
    {
        await Lease("first").TakeAsync(1);
        await _store.DeleteAsync(ArchiveNames.Head, default);
        ArchiveNotOursException refusal = await Assert.ThrowsAsync<ArchiveNotOursException>(() => Lease("first").TakeAsync(1));
        Assert.Contains("is empty, though this data directory was archived there", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_crash_before_the_head_is_written_does_not_lose_the_archive()
    {
        Directory.CreateDirectory(Path.Combine(_directory.Path, "first"));
        var lineage = Guid.NewGuid();
        new ArchiveIdentity(Guid.NewGuid(), lineage, IsBegun: false).Save(Path.Combine(_directory.Path, "first"));
        ArchiveLease lease = await Lease("first").TakeAsync(1);
        Assert.Equal(lineage, lease.Lineage);
        Assert.True(ArchiveIdentity.Of(Path.Combine(_directory.Path, "first")).IsBegun);
    }

    [Fact]
    public async Task Of_many_that_begin_at_once_one_does()
    {
        Exception?[] failures = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () => await Record.ExceptionAsync(() => Lease($"directory {i}").TakeAsync(1)))));
        Assert.Single(failures, failure => failure is null);
        Assert.All(failures.OfType<Exception>(), failure => Assert.IsType<ArchiveNotOursException>(failure));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("not json")]
    [InlineData("""{"format":2,"lineage":"7a6f8f0a-6d39-4b0e-9d6e-0d0b8a3b6f00","epochs":[],"writer":null,"frontier":null,"revision":1}""")]
    public async Task A_head_that_cannot_be_read_is_said_so_and_left_alone(string text)
    {
        await _store.CreateAsync(ArchiveNames.Head, ObjectContent.Of(System.Text.Encoding.UTF8.GetBytes(text)), default);
        ObjectDamagedException failure = await Assert.ThrowsAsync<ObjectDamagedException>(() => Lease("first").TakeAsync(1));
        Assert.StartsWith($"head.json in {_store.Address} can't be read: ", failure.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _directory.Dispose();

    private Writer Lease(string name, ulong log = 1) => new(new ArchiveLease(_store, Directory.CreateDirectory(Path.Combine(_directory.Path, name)).FullName, log, new ArchiveOptions()));

    private sealed class Writer(ArchiveLease lease)
    {
        public ArchiveLease Lease => lease;

        public async Task<ArchiveLease> TakeAsync(ulong firstSegment)
        {
            await lease.TakeAsync(await lease.ReadAsync(default), end: null, firstSegment, DateTimeOffset.UtcNow, default);
            return lease;
        }
    }
}
