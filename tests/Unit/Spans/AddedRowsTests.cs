using CsCheck;
using Google.Protobuf;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;

namespace TraceStore.Tests.Unit.Spans;

public class AddedRowsTests
{
    [Fact]
    public void Rows_of_one_batch_are_the_same_in_another() =>
        Gen.Select(OtlpSamples.Any, OtlpSamples.Any, Gen.Int[0, 10]).Sample(
            (first, second, cut) =>
            {
                SpanBatch one = Decode(first.ToByteArray()), two = Decode(second.ToByteArray()), both = new();
                int before = Math.Min(cut, one.Count);
                both.AddRows(one, before, one.Count - before);
                both.AddRows(two, 0, two.Count);
                both.AddRows(one, 0, before);

                var expected = new OtlpSpanWriter();
                var actual = new OtlpSpanWriter();
                Assert.Equal(one.Count + two.Count, both.Count);
                for (int row = 0; row < both.Count; row++)
                {
                    (SpanBatch from, int place) = row < one.Count - before ? (one, row + before)
                        : row < one.Count - before + two.Count ? (two, row - (one.Count - before)) : (one, row - (one.Count - before) - two.Count);
                    Assert.Equal(expected.Write(from, place), actual.Write(both, row));
                    Assert.Equal(from.Service[place], both.Service[row]);
                    Assert.Equal(from.Origin[place], both.Origin[row]);
                    Assert.Equal(from.TimeBucket[place], both.TimeBucket[row]);
                }
            },
            iter: 300);

    [Fact]
    public void Added_in_pieces_or_at_once_they_are_the_same_block() =>
        OtlpSamples.Any.Sample(
            request =>
            {
                SpanBatch batch = Decode(request.ToByteArray()), whole = new(), pieces = new();
                whole.AddRows(batch, 0, batch.Count);
                for (int row = 0; row < batch.Count; row++) pieces.AddRows(batch, row, 1);

                Assert.Equal(Block(whole), Block(pieces)); // what is searched alone too
            },
            iter: 300);

    private static SpanBatch Decode(byte[] request) => OtlpDecoder.DecodeAlone(request, wal: 1, segment: 2).Spans;

    private static byte[] Block(SpanBatch batch)
    {
        var block = new ByteList();
        NativeBlockWriter.Write(SpanColumns.Spans, batch, block);
        return block.All.ToArray();
    }
}
