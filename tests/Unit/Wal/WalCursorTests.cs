using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

public sealed class WalCursorTests : IDisposable
{
    private const ulong Wal = 42;

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

        Assert.Equal(0UL, WalCursor.Open(_directory.Path, "sink", wal: 43).Position);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(27)]
    public void A_damaged_cursor_starts_over(int damagedByte)
    {
        Open().Advance(7);
        string file = Path.Combine(_directory.Path, "sink.cursor");
        byte[] bytes = File.ReadAllBytes(file);
        bytes[damagedByte] ^= 1;
        File.WriteAllBytes(file, bytes);

        Assert.Equal(0UL, Open().Position);
    }

    private WalCursor Open() => WalCursor.Open(_directory.Path, "sink", Wal);
}
