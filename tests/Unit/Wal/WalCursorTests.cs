using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

public sealed class WalCursorTests : IDisposable
{
    private const byte Wal = 42;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_new_cursor_stands_before_everything() => Assert.Equal(0UL, Open().Position);

    [Fact]
    public void A_position_outlives_the_process()
    {
        Open().Advance(7);

        Assert.Equal(7UL, Open().Position);
    }

    [Fact]
    public void A_cursor_of_another_log_says_nothing_about_this_one()
    {
        Open().Advance(7);

        Assert.Equal(0UL, Open(wal: 43).Position);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(24)]
    [InlineData(31)]
    [InlineData(39)]
    public void A_damaged_cursor_starts_over(int damagedByte)
    {
        Open().Advance(7);
        string file = Path.Combine(_directory.Path, "sink.cursor");
        byte[] bytes = File.ReadAllBytes(file);
        bytes[damagedByte] ^= 1;
        File.WriteAllBytes(file, bytes);

        Assert.Equal(0UL, Open().Position);
    }

    [Fact]
    public void A_cursor_of_version_1_is_read()
    {
        byte[] file = [.. "TSCU"u8, 1, 0, 0, 0, Wal, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0];
        File.WriteAllBytes(Path.Combine(_directory.Path, "sink.cursor"), [.. file, .. BitConverter.GetBytes(Crc32C.Of(file))]);

        Assert.Equal((9UL, false), (Open().Position, Open().IsLost));
    }

    [Fact]
    public void A_cursor_of_version_2_is_read()
    {
        byte[] file = [.. "TSCU"u8, 2, 0, 0, 0, Wal, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
        File.WriteAllBytes(Path.Combine(_directory.Path, "sink.cursor"), [.. file, .. BitConverter.GetBytes(Crc32C.Of(file))]);

        Assert.Equal((9UL, true, null), (Open().Position, Open().IsLost, Open().TriedThrough));
    }

    [Fact]
    public void A_range_that_was_tried_outlives_the_process_until_it_is_passed()
    {
        Open().Advance(7);
        Open().NoteTried(9);
        Assert.Equal((7UL, 9UL), (Open().Position, Open().TriedThrough));
        Assert.Equal(9UL, WalCursor.HighestIn(_directory.Path, Wal)); // no number of the range is used again

        Open().Advance(9);
        Assert.Equal((9UL, null), (Open().Position, Open().TriedThrough));

        Open().NoteTried(12);
        Open().Advance(12);
        Assert.Equal((12UL, null), (Open().Position, Open().TriedThrough));
    }

    [Fact]
    public void A_range_that_was_parted_is_in_doubt_until_it_is_passed()
    {
        WalCursor parted = Open();
        parted.NoteTried(9);
        parted.PartTried();
        Assert.Equal((null, 9UL), (parted.TriedThrough, parted.InDoubtThrough));

        parted.NoteTried(1); // by itself
        parted.Advance(1);
        Assert.Equal((null, 11UL), (Open(newest: 11).TriedThrough, Open(newest: 11).InDoubtThrough)); // after a crash

        parted.Advance(9);
        Assert.Equal(0UL, Open(newest: 11).InDoubtThrough);
    }

    [Fact]
    public void A_lost_cursor_stays_lost_until_its_sink_says_how_far_it_was_repaired()
    {
        Open().Advance(7);
        Open().Lose();

        Assert.Equal((7UL, true), (Open().Position, Open().IsLost));

        Open().Advance(8);
        Assert.Equal((8UL, true), (Open().Position, Open().IsLost));

        Open().Repaired(9);

        Assert.Equal((9UL, false), (Open().Position, Open().IsLost));
    }

    [Fact]
    public void What_an_older_version_left_is_in_doubt_until_it_is_passed()
    {
        byte[] file = [.. "TSCU"u8, 2, 0, 0, 0, Wal, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        File.WriteAllBytes(Path.Combine(_directory.Path, "sink.cursor"), [.. file, .. BitConverter.GetBytes(Crc32C.Of(file))]);

        WalCursor first = Open(newest: 11);
        Assert.Equal(11UL, first.InDoubtThrough);
        first.Advance(10);
        Assert.Equal(12UL, Open(newest: 12).InDoubtThrough);

        WalCursor second = Open(newest: 12);
        second.Advance(12);
        Assert.Equal(0UL, Open(newest: 15).InDoubtThrough);
    }

    [Fact]
    public void Without_a_cursor_all_that_the_log_has_is_in_doubt() => Assert.Equal(5UL, Open(newest: 5).InDoubtThrough);

    private WalCursor Open(ulong wal = Wal, ulong newest = 0) =>
        WalCursor.Open(_directory.Path, "sink", wal, newest, CursorClaim.Required, new SegmentFiles(_directory.Path, new Dictionary<ulong, long>()), () => { });
}
