using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Otlp;
using TraceStore.Storage.Spans;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Unit.ClickHouse;

/// <summary>Answers of a ClickHouse that dies, as bytes over a real connection: no part of an answer is taken for the whole.</summary>
public sealed class BrokenAnswerTests : IDisposable
{
    private const string End = "0\r\n\r\n";

    private readonly TcpListener _clickHouse = new(IPAddress.Loopback, 0);

    public BrokenAnswerTests() => _clickHouse.Start();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1_000)]
    public async Task An_answer_in_whatever_pieces_is_read_whole(int piece)
    {
        byte[] blocks = [.. Block("a"), .. Block("b")];
        Task serving = ServeAsync([.. blocks.Chunk(piece).SelectMany(Chunk), .. Encoding.ASCII.GetBytes(End)]);

        SpanBatch read = await ReadAsync();

        await serving;
        Assert.Equal(["a", "b"], Enumerable.Range(0, read.Count).Select(row => Encoding.UTF8.GetString(read.Service[row])));
    }

    [Fact]
    public async Task An_answer_that_breaks_off_between_two_blocks_is_not_the_whole()
    {
        Task serving = ServeAsync(Chunk(Block("a")));
        var spans = new SpanBatch();

        await Assert.ThrowsAsync<ClickHouseUnavailableException>(() => ReadAsync(spans));

        await serving;
        Assert.Equal((0, 0), (spans.Count, spans.Service.Count)); // nobody shows a part
    }

    [Fact]
    public async Task An_answer_that_breaks_off_in_a_block_is_not_either()
    {
        byte[] block = Block("a");
        foreach (int length in (int[])[0, 1, block.Length / 2, block.Length - 1])
        {
            Task serving = ServeAsync(length == 0 ? [] : Chunk(block[..length]));

            await Assert.ThrowsAsync<ClickHouseUnavailableException>(ReadAsync);

            await serving;
        }
    }

    [Theory]
    [InlineData("Code: 241. DB::Exception: Query memory limit exceeded")]
    [InlineData("__exception__\r\nabc\r\nCode: 1. DB::Exception\r\n")]
    public async Task What_stands_behind_the_blocks_and_is_none_fails_the_query(string words)
    {
        Task serving = ServeAsync([.. Chunk(Block("a")), .. Chunk(Encoding.ASCII.GetBytes(words)), .. Encoding.ASCII.GetBytes(End)]);

        await Assert.ThrowsAnyAsync<Exception>(ReadAsync);

        await serving;
    }

    public void Dispose() => _clickHouse.Dispose();

    private async Task<SpanBatch> ReadAsync()
    {
        var spans = new SpanBatch();
        await ReadAsync(spans);
        return spans;
    }

    private async Task ReadAsync(SpanBatch spans)
    {
        using var database = new ClickHouseDatabase(new ClickHouseOptions { Url = new Uri($"http://{_clickHouse.LocalEndpoint}") });
        await database.ReadAsync(new SqlQuery("SELECT 1"), SpanColumns.Spans.Bind(spans), noteRead: null, Stop);
    }

    /// <summary>Answers one request with these chunks, and closes.</summary>
    private async Task ServeAsync(IReadOnlyCollection<byte> chunks)
    {
        using TcpClient client = await _clickHouse.AcceptTcpClientAsync(Stop);
        NetworkStream stream = client.GetStream();
        await stream.ReadAtLeastAsync(new byte[1], 1, cancellationToken: Stop);
        await stream.WriteAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"u8.ToArray(), Stop);
        await stream.WriteAsync(chunks.ToArray(), Stop);
        client.Client.Shutdown(SocketShutdown.Send);
        while (await stream.ReadAsync(new byte[4_096], Stop) > 0)
        {
            // the rest of the request
        }
    }

    private static byte[] Chunk(byte[] content) => [.. Encoding.ASCII.GetBytes($"{content.Length:x}\r\n"), .. content, .. "\r\n"u8];

    private static byte[] Block(string service)
    {
        var block = new ByteList();
        NativeBlockWriter.Write(SpanColumns.Spans, OtlpDecoder.DecodeAlone(Request(Resource(service, Span())).ToByteArray()).Spans, block);
        return block.All.ToArray();
    }
}
