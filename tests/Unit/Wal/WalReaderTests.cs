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
        for (int hit = 0; hit < s_requests.Length; hit++)
        {
            (int start, int end) = PlaceOf(whole, hit);
            int from = hit == 0 ? start : PlaceOf(whole, hit - 1).End; // with what fills the page before
            bool isLast = hit == s_requests.Length - 1;
            for (int offset = start; offset < end; offset++)
            {
                foreach (byte flip in (byte[])[0x01, 0x80, 0xFF])
                {
                    WalSegmentContent content = await ReadDamagedAsync(whole, offset, flip);

                    Assert.Equal(s_requests.Where((_, i) => i != hit), content.Records.Select(Text));
                    Assert.Equal(isLast ? [] : [(from, PlaceOf(whole, hit + 1).Start - from)], content.Corruptions.Select(corruption => ((int)corruption.Offset, corruption.Length)));
                    Assert.Equal(isLast ? whole.Length - start : 0, content.UnreadableBytes);
                }
            }
        }
    }

    [Fact]
    public async Task What_is_written_at_once_has_pages_of_its_own_and_damage_between_harms_no_record()
    {
        byte[] whole = await WriteAsync();
        for (int before = 0; before < s_requests.Length - 1; before++)
        {
            (int start, int end) = (PlaceOf(whole, before).End, PlaceOf(whole, before + 1).Start);
            Assert.Equal(4096 * (before + 1), end);
            Assert.Empty(WalReader.Read(Segment)!.Corruptions);
            foreach (int offset in (int[])[start, start + 1, (start + end) / 2, end - 1])
            {
                WalSegmentContent content = await ReadDamagedAsync(whole, offset, 0xCF); // as if an envelope began there

                Assert.Equal(s_requests, content.Records.Select(Text));
                Assert.Equal([(start, end - start)], content.Corruptions.Select(corruption => ((int)corruption.Offset, corruption.Length)));
            }

            await File.WriteAllBytesAsync(Segment, whole, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Up_to_version_3_zeros_are_no_filling()
    {
        byte[] whole = await WriteAsync();
        whole[4] = 3;
        BitConverter.TryWriteBytes(whole.AsSpan(40), Crc32C.Of(whole.AsSpan(0, 40)));
        await File.WriteAllBytesAsync(Segment, whole, TestContext.Current.CancellationToken);

        WalSegmentContent content = WalReader.Read(Segment)!;

        Assert.Equal(s_requests, content.Records.Select(Text));
        Assert.Equal([.. Enumerable.Range(0, 3).Select(i => (long)PlaceOf(whole, i).End)], content.Corruptions.Select(corruption => corruption.Offset));
        Assert.Equal(PlaceOf(whole, 3).End, content.ValidBytes);
    }

    [Fact]
    public async Task A_record_that_became_zeros_is_missed_by_its_sequence()
    {
        byte[] whole = await WriteAsync();
        whole.AsSpan(PlaceOf(whole, 1).Start, 4096).Clear();
        await File.WriteAllBytesAsync(Segment, whole, TestContext.Current.CancellationToken);

        WalCorruption corruption = Assert.Single(WalReader.Read(Segment)!.Corruptions);

        Assert.True(corruption.Offset <= 4096 && corruption.Offset + corruption.Length == 8192);
    }

    /// <summary>The low byte of a record's length may be all there is of it on a page, and zero.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Records_written_at_once_stand_together_wherever_a_page_ends(int bytesOnThePage)
    {
        const int lengthWithoutLowBytes = 1 << 24;
        byte[] first = RecordOf(4096 - WalSegment.HeaderBytes - bytesOnThePage), second = RecordOf(WalRecord.FrameBytes + lengthWithoutLowBytes), third = RecordOf(500);
        var segment = new WalSegment(Segment, 1, 1, 1, 1);
        ulong sequence = 1;
        foreach (byte[] record in (byte[][])[first, second, third]) WalRecord.Stamp(record, sequence++, segment.ChecksumKey);
        using (var writer = new WalSegmentWriter(segment)) writer.Append([first, second, third]);

        WalSegmentContent content = WalReader.Read(Segment)!;

        Assert.Equal(3, content.Records.Count);
        Assert.Empty(content.Corruptions);
        Assert.Equal(0, content.UnreadableBytes);
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
            for (int kept = PlaceOf(whole, 3).Start; kept < PlaceOf(whole, 3).End; kept++)
            {
                await File.WriteAllBytesAsync(Segment, [.. whole[..kept], .. tail], TestContext.Current.CancellationToken);

                WalSegmentContent content = WalReader.Read(Segment)!;

                Assert.Equal(s_requests[..3], content.Records.Select(Text));
                Assert.Equal(PlaceOf(whole, 3).Start, content.ValidBytes);
                Assert.Empty(content.Corruptions);
            }
        }
    }

    [Fact]
    public async Task What_lies_behind_the_sealed_length_does_not_count()
    {
        byte[] whole = await WriteAsync();

        Assert.Equal(s_requests[..2], WalReader.Read(Segment, PlaceOf(whole, 1).End)!.Records.Select(Text));
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

    private async Task<WalSegmentContent> ReadDamagedAsync(byte[] whole, int offset, byte flip)
    {
        byte[] damaged = [.. whole];
        damaged[offset] ^= flip;
        await File.WriteAllBytesAsync(Segment, damaged, TestContext.Current.CancellationToken);
        return WalReader.Read(Segment)!;
    }

    /// <summary>Where a request's record lies; each was written by itself.</summary>
    private static (int Start, int End) PlaceOf(byte[] segment, int request)
    {
        var format = new WalSegment("", 1, 1, 1, 1);
        int start = WalSegment.HeaderBytes;
        while (true)
        {
            int end = start + WalRecord.FrameBytes + BitConverter.ToInt32(segment, start);
            if (request-- == 0) return (start, end);
            start = (int)format.EndOfWrite(end);
        }
    }

    private static byte[] RecordOf(int bytes)
    {
        byte[] request = new byte[bytes];
        new Random(bytes).NextBytes(request); // can't be compressed
        while (true)
        {
            byte[] record = WalRecord.Encode(request, 1, 1, [], 1).Bytes.ToArray();
            if (record.Length == bytes) return record;
            request = request[..(request.Length - (record.Length - bytes))];
        }
    }

    private static string Text(WalRecord record)
    {
        byte[] request = new byte[record.RequestBytes];
        record.CopyRequestTo(request);
        return Encoding.UTF8.GetString(request);
    }
}
