using CsCheck;
using Google.Protobuf;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Unit.ClickHouse;

public class NativeBlockTests
{
    [Fact]
    public void A_block_reads_back_as_it_was_written() =>
        Any.Sample(
            request =>
            {
                SpanBatch written = Decode(request.ToByteArray());
                var read = new SpanBatch();
                NativeBlockReader.ReadAll(Block(written), SpanColumns.Spans.Bind(read));

                var left = new OtlpSpanWriter();
                var right = new OtlpSpanWriter();
                Assert.Equal(written.Count, read.Count);
                for (int row = 0; row < written.Count; row++) Assert.Equal(left.Write(written, row), right.Write(read, row));
                Assert.Equal(Block(written), Block(read)); // what is searched alone too
            },
            iter: 500);

    [Fact]
    public void Blocks_of_one_answer_follow_each_other()
    {
        byte[] first = Block(Decode(Request(Resource("a", Span(name: "x"))).ToByteArray()));
        byte[] second = Block(Decode(Request(Resource("b", Span(name: "y"), Span(name: "x"))).ToByteArray()));
        var read = new SpanBatch();

        NativeBlockReader.ReadAll([.. first, .. second], SpanColumns.Spans.Bind(read));

        Assert.Equal(["a x", "b y", "b x"], Enumerable.Range(0, 3).Select(row => $"{Text(read.Service[row])} {Text(read.Name[row])}"));
    }

    [Fact]
    public void Equal_batches_are_equal_bytes()
    {
        byte[] request = Request(Resource("a", Span(span: 1), Span(span: 2)), Resource("b", Span(span: 3))).ToByteArray();

        Assert.Equal(Block(Decode(request)), Block(Decode(request)));
    }

    [Fact]
    public void A_block_that_ends_in_the_middle_is_an_error_and_nothing_worse()
    {
        byte[] block = Block(Decode(Request(Resource("a", Span())).ToByteArray()));
        for (int length = 1; length < block.Length; length++)
        {
            int cut = length;
            Assert.Throws<InvalidDataException>(() => NativeBlockReader.ReadAll(block.AsSpan(0, cut), SpanColumns.Spans.Bind(new SpanBatch())));
        }
    }

    [Theory]
    [InlineData(200)]
    [InlineData(300)]
    [InlineData(70_000)]
    public void Dictionaries_of_every_index_width_read_back(int distinct)
    {
        var written = new OperationBatch();
        for (int i = 0; i < distinct; i++)
        {
            written.Tenant.Add([]);
            written.ReceivedDay.Add(1);
            written.Service.Add("s"u8);
            written.Name.Add(BitConverter.GetBytes(i));
            written.Kind.Add(i);
        }

        var block = new ByteList();
        NativeBlockWriter.Write(SpanColumns.Operations, written, block);
        var read = new OperationBatch();
        NativeBlockReader.ReadAll(block.All, SpanColumns.Operations.Bind(read));

        Assert.Equal(Enumerable.Range(0, distinct), Enumerable.Range(0, distinct).Select(row => BitConverter.ToInt32(read.Name[row])));
    }

    private static byte[] Block(SpanBatch batch)
    {
        var block = new ByteList();
        NativeBlockWriter.Write(SpanColumns.Spans, batch, block);
        return block.All.ToArray();
    }

    private static SpanBatch Decode(byte[] request) => OtlpDecoder.DecodeAlone(request, wal: 1, segment: 2, new DateOnly(2026, 11, 22)).Spans;

    private static string Text(ReadOnlySpan<byte> utf8) => System.Text.Encoding.UTF8.GetString(utf8);
}
