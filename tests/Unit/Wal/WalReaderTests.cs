using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

public sealed class WalReaderTests : IDisposable
{
    private static readonly string[] s_requests = ["first", "second", "third", "fourth"];

    private readonly TemporaryDirectory _directory = new();

    private string Segment => Path.Combine(_directory.Path, "00000000000000000001.wal");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Whatever_byte_is_damaged_only_its_record_is_lost_and_its_place_is_told()
    {
        byte[] whole = await WriteAsync();
        int[] starts = [.. s_requests.Select((_, i) => StartOf(whole, i)), whole.Length];
        for (int offset = WalSegment.HeaderBytes; offset < whole.Length; offset++)
        {
            foreach (byte flip in (byte[])[0x01, 0x80, 0xFF])
            {
                byte[] damaged = [.. whole];
                damaged[offset] ^= flip;
                await File.WriteAllBytesAsync(Segment, damaged, TestContext.Current.CancellationToken);

                WalSegmentContent content = WalReader.Read(Segment)!;

                int hit = Array.FindLastIndex(starts, start => start <= offset);
                Assert.Equal(s_requests.Where((_, i) => i != hit), content.Records.Select(Text));
                bool isLast = hit == s_requests.Length - 1;
                Assert.Equal(isLast ? [] : [(starts[hit], starts[hit + 1] - starts[hit])], content.Corruptions.Select(corruption => ((int)corruption.Offset, corruption.Length)));
                Assert.Equal(isLast ? whole.Length - starts[hit] : 0, content.UnreadableBytes);
            }
        }
    }

    /// <summary>What a power cut leaves of writes that weren't synced: pages that are missing, zero or somebody else's.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    public async Task A_tail_of_nothing_or_of_zeros_or_of_noise_is_not_a_record(int length)
    {
        byte[] whole = await WriteAsync();
        byte[] noise = new byte[length];
        new Random(1).NextBytes(noise);
        foreach (byte[] tail in (byte[][])[new byte[length], noise])
        {
            for (int kept = StartOf(whole, 3); kept < whole.Length; kept++)
            {
                await File.WriteAllBytesAsync(Segment, [.. whole[..kept], .. tail], TestContext.Current.CancellationToken);

                WalSegmentContent content = WalReader.Read(Segment)!;

                Assert.Equal(s_requests[..3], content.Records.Select(Text));
                Assert.Equal(StartOf(whole, 3), content.ValidBytes);
                Assert.Empty(content.Corruptions);
            }
        }
    }

    [Fact]
    public async Task What_lies_behind_the_sealed_length_does_not_count()
    {
        byte[] whole = await WriteAsync();

        Assert.Equal(s_requests[..2], WalReader.Read(Segment, StartOf(whole, 2))!.Records.Select(Text));
    }

    [Fact]
    public async Task A_request_that_looks_like_a_record_is_not_taken_for_one()
    {
        byte[] forged = WalRecord.Encode("forged"u8, 1, 1, [], 1).Bytes.ToArray();
        WalRecord.Stamp(forged, 3, Crc32C.Unkeyed); // as if it were the next
        byte[] incompressible = new byte[64];
        new Random(2).NextBytes(incompressible);
        await using (WriteAheadLog wal = Open())
        {
            await wal.AppendAsync("first"u8, 1, []);
            await wal.AppendAsync((byte[])[.. incompressible, .. forged], 1, []);
            await wal.AppendAsync("last"u8, 1, []);
        }

        byte[] bytes = await File.ReadAllBytesAsync(Segment, TestContext.Current.CancellationToken);
        bytes[bytes.AsSpan().IndexOf(incompressible.AsSpan(0, 8))] ^= 1;
        await File.WriteAllBytesAsync(Segment, bytes, TestContext.Current.CancellationToken);

        Assert.Equal(["first", "last"], WalReader.Read(Segment)!.Records.Select(Text));
    }

    private async Task<byte[]> WriteAsync()
    {
        await using (WriteAheadLog wal = Open())
        {
            foreach (string request in s_requests) await wal.AppendAsync(Encoding.UTF8.GetBytes(request), 1, []);
        }

        return await File.ReadAllBytesAsync(Segment, TestContext.Current.CancellationToken);
    }

    private WriteAheadLog Open()
    {
        var options = new WalOptions { Directory = _directory.Path, MaxSegmentAge = TimeSpan.FromMinutes(1) };
        return WriteAheadLog.Open(options, TimeProvider.System, NullLogger.Instance);
    }

    private static int StartOf(byte[] segment, int request)
    {
        int position = WalSegment.HeaderBytes;
        for (; request > 0; request--) position += WalRecord.FrameBytes + BitConverter.ToInt32(segment, position);
        return position;
    }

    private static string Text(WalRecord record)
    {
        byte[] request = new byte[record.RequestBytes];
        record.CopyRequestTo(request);
        return Encoding.UTF8.GetString(request);
    }
}
