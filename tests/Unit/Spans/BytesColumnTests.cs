using TraceStore.Storage.Spans;

namespace TraceStore.Tests.Unit.Spans;

public class BytesColumnTests
{
    [Theory]
    [InlineData(100, 20_000)]
    [InlineData(100_000, 60)]
    [InlineData(3_000_000, 4)]
    public void A_cleared_column_is_filled_anew(int length, int rows)
    {
        var column = new BytesColumn();
        for (int round = 0; round < 3; round++)
        {
            for (int row = 0; row < rows; row++) column.Extend(length).Fill((byte)row);

            Assert.Equal(((long)length * rows, rows), (column.Bytes, column.Count));
            for (int row = 0; row < rows; row++) Assert.False(column[row].ContainsAnyExcept((byte)row));
            column.Clear();
            Assert.Equal((0L, 0), (column.Bytes, column.Count));
        }
    }

    [Fact]
    public void Columns_never_share_memory()
    {
        var columns = new BytesColumn[4];
        var before = new BytesColumn();
        for (int row = 0; row < 50; row++) before.Extend(ByteBuffers.ChunkBytes / 3);
        before.Clear(); // its chunks are the next ones'

        for (int i = 0; i < columns.Length; i++)
        {
            columns[i] = new BytesColumn();
            for (int row = 0; row < 50; row++) columns[i].Extend(ByteBuffers.ChunkBytes / 3).Fill((byte)i);
        }

        for (int i = 0; i < columns.Length; i++)
        {
            for (int row = 0; row < 50; row++) Assert.False(columns[i][row].ContainsAnyExcept((byte)i));
        }
    }
}
