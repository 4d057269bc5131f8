using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

public sealed class SegmentFilesTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    /// <summary>The newest tells who the log is, so one stays until the next is durable: a first write may fail, or the power.</summary>
    [Fact]
    public void A_segment_stays_until_something_is_durable_in_the_next()
    {
        string first = WalSegment.PathOf(_directory.Path, 1);
        File.WriteAllText(first, "stored");
        var files = new SegmentFiles(_directory.Path, new Dictionary<ulong, long> { [1] = 6 });

        files.NoteCreated();
        files.ReleaseThrough(1);
        Assert.True(File.Exists(first));
        files.NoteAbandoned();
        files.ReleaseThrough(1);
        Assert.True(File.Exists(first));

        files.NoteCreated();
        files.NoteAppended(3, 100);
        files.ReleaseThrough(1);
        Assert.False(File.Exists(first));
    }
}
