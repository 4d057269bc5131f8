using TraceStore.Recovery;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Restore;

namespace TraceStore.Tests.Unit.Deploy;

public sealed class StoredLogsTests
{
    /// <summary>Groups begin with segments 10, 20, 30, 40 and 50; what is known goes to 59.</summary>
    [Theory]
    [InlineData(10, 9, 0, 9, 10, 5)] // nothing is stored
    [InlineData(10, 25, 0, 25, 20, 4)] // within a group
    [InlineData(10, 29, 0, 29, 30, 3)] // to its end
    [InlineData(10, 59, 0, 59, 50, 1)] // everything
    [InlineData(10, 45, 1, 29, 30, 3)] // and one group again
    [InlineData(10, 45, 99, 9, 10, 5)]
    [InlineData(30, 45, 99, 29, 30, 3)] // what isn't kept isn't there to be replayed
    [InlineData(30, 29, 0, 29, 30, 3)]
    public async Task A_stretch_goes_on_behind_what_is_stored(ulong kept, ulong through, int again, ulong behind, ulong first, long left)
    {
        var store = new MemoryStore();
        foreach (ulong group in new ulong[] { 10, 20, 30, 40, 50 }.Where(group => group >= kept)) await store.CreateAsync(ArchiveNames.Group(3, group), ObjectContent.Of(new byte[7]), default);
        await store.CreateAsync(ArchiveNames.Group(4, 10), ObjectContent.Of(new byte[7]), default);
        var whole = new RestoreStretch(new ArchiveEpoch(3, 77, 10, default, null), new ArchiveFrontier(59, 0, null, 5, 35, 0), IsWhole: true, Until: null);
        RestoreStretch stretch = await StoredLogs.BehindAsync(store, whole, kept, through, again, default);
        Assert.Equal(new StretchStart(behind, first, 5 - left, 7 * (5 - left)), stretch.Start);
    }
}
