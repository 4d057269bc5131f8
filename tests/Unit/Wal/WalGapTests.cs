using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

public sealed class WalGapTests : LogTests
{
    [Fact]
    public async Task Segments_that_are_gone_at_a_restart_are_said_to_be_and_the_rest_is_kept()
    {
        string[] files = await WriteAsync(segments: 4);
        File.Delete(files[1]);
        File.Delete(files[2]);

        await using (WriteAheadLog wal = Open())
        {
            WalCursor sink = Sink(wal);
            Assert.Equal(1UL, (await sink.NextAsync(TestContext.Current.CancellationToken)).Number);
            sink.Advance(1);
            Assert.Equal(4UL, (await sink.NextAsync(TestContext.Current.CancellationToken)).Number);
        }

        QuarantineEntry entry = Assert.Single(new Quarantine(Options.Directory).Entries());
        Assert.Equal("The segments are missing: records 2 to 3 were in them.", entry.Reason);
        Assert.False(entry.CanReplay);
    }

    [Fact]
    public async Task A_number_that_was_used_up_without_a_segment_is_no_gap()
    {
        string[] files = await WriteAsync(segments: 2);
        File.Move(files[1], files[1].Replace("02.wal", "05.wal", StringComparison.Ordinal)); // three files couldn't be created

        await using WriteAheadLog wal = Open();

        Assert.Equal(0, new Quarantine(Options.Directory).Count);
    }

    [Fact]
    public async Task What_was_stored_is_no_gap()
    {
        string[] files = await WriteAsync(segments: 3, advanceTo: 2);
        File.Delete(files[0]);
        if (File.Exists(files[1])) File.Delete(files[1]);

        await using WriteAheadLog wal = Open();

        Assert.Equal(0, new Quarantine(Options.Directory).Count);
    }

    private async Task<string[]> WriteAsync(int segments, ulong advanceTo = 0)
    {
        await using (WriteAheadLog wal = Open())
        {
            WalCursor sink = Sink(wal);
            for (int i = 0; i < segments; i++)
            {
                await wal.AppendAsync(BitConverter.GetBytes(i), 1, []);
                await Eventually.BeTrueAsync("the seal", () => Task.FromResult(!wal.IsWriting));
            }

            if (advanceTo > 0) sink.Advance(advanceTo);
        }

        return [.. Enumerable.Range(1, segments).Select(number => Path.Combine(Options.Directory, $"{number:D20}.wal"))];
    }
}
