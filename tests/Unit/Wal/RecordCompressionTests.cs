using Microsoft.Extensions.Time.Testing;
using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

public class RecordCompressionTests
{
    [Theory]
    [InlineData(WalCodec.Lz4)]
    [InlineData(WalCodec.Zstd)]
    public void A_body_comes_back(WalCodec codec)
    {
        byte[] text = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i % 251 * (i / 1000)))], noise = new byte[100_000];
        new Random(1).NextBytes(noise);
        foreach (byte[] body in (byte[][])[text, noise, [], [1]])
        {
            byte[] compressed = new byte[RecordCompression.MostBytes(body.Length)], back = new byte[body.Length];

            (WalCodec used, int length) = RecordCompression.Encode(body, codec, compressed);

            Assert.Equal(body == text ? codec : WalCodec.Stored, used);
            Assert.True(length <= body.Length);
            Assert.Equal(body.Length, RecordCompression.Decode(compressed.AsSpan(0, length), used, back));
            Assert.Equal(body, back);
        }
    }

    [Theory]
    [InlineData(WalCodec.Stored)]
    [InlineData(WalCodec.Lz4)]
    [InlineData(WalCodec.Zstd)]
    public void What_is_damaged_is_an_error_or_of_another_length_and_nothing_worse(WalCodec codec)
    {
        byte[] body = [.. Enumerable.Range(0, 1_000).Select(i => (byte)(i % 7))], compressed = new byte[RecordCompression.MostBytes(body.Length)];
        int length = RecordCompression.Encode(body, codec, compressed).Length;
        for (int cut = 0; cut < length; cut++)
        {
            try
            {
                Assert.NotEqual(body.Length, RecordCompression.Decode(compressed.AsSpan(0, cut), codec, body));
            }
            catch (InvalidDataException)
            {
                // said
            }
        }

        Assert.Throws<InvalidDataException>(() => RecordCompression.Decode(compressed, (WalCodec)99, body));
    }

    [Fact]
    public void High_rates_are_compressed_by_the_faster_codec_and_others_better()
    {
        const int request = 1 << 20;
        var time = new FakeTimeProvider();
        var choice = new CodecChoice(time);

        Assert.Equal(WalCodec.Zstd, Second(requests: 10));
        Assert.Equal(WalCodec.Lz4, Second(requests: 40)); // within the second
        Assert.Equal(WalCodec.Lz4, Second(requests: 1)); // the one before was
        Assert.Equal(WalCodec.Zstd, Second(requests: 1));

        WalCodec Second(int requests)
        {
            WalCodec last = WalCodec.Stored;
            for (int i = 0; i < requests; i++) last = choice.Next(request);
            time.Advance(TimeSpan.FromSeconds(1));
            return last;
        }
    }
}
