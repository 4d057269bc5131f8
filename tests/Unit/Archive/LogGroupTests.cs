using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Wal;
using TraceStore.Tests.Unit.Wal;

namespace TraceStore.Tests.Unit.Archive;

public sealed class LogGroupTests : LogTests
{
    private static readonly GroupPlace s_place = new(Guid.Parse("7a6f8f0a-6d39-4b0e-9d6e-0d0b8a3b6f00"), 3, 0xABCD, 1, 1);

    [Fact]
    public async Task A_group_holds_segments_without_what_fills_their_pages()
    {
        (byte[] content, LogGroup written) = await GroupAsync();
        LogGroup read = Decode(content);
        Assert.Equal(s_place, read.Place);
        Assert.Equal(written.Counts, read.Counts);
        Assert.Equal((6, 21), (read.Counts.Records, read.Counts.Spans));
        Assert.Equal([new LogHole(2, 4, "lost")], read.Holes);
        WalSegmentContent segment = Assert.Single(read.Segments).Read("x")!;
        Assert.Equal([1, 2, 3, 4, 5, 6], segment.Records.Select(record => record.SpanCount));
        Assert.Empty(segment.Corruptions);
        Assert.Equal(0, segment.UnreadableBytes);
        Assert.Equal("request 6"u8, Request(segment.Records[5]));
        Assert.True(content.Length < 1_200, $"{content.Length} bytes");
    }

    [Fact]
    public async Task A_damaged_segment_is_kept_as_it_is()
    {
        await GroupAsync();
        string file = Directory.GetFiles(Options.Directory, "*.wal").Order().First();
        byte[] bytes = await File.ReadAllBytesAsync(file);
        bytes[4_096 + 40] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        var writer = new LogGroupWriter();
        writer.Begin(0);
        writer.Add(new SealedSegment(file, 1, bytes.Length));
        Assert.Equal(bytes, writer.Finish(s_place, 0).Group.Segments[0].Bytes.ToArray());
    }

    [Fact]
    public async Task No_byte_of_a_group_can_be_changed_or_left_out_unnoticed()
    {
        (byte[] content, _) = await GroupAsync();
        var random = new Random(3);
        for (int at = 0; at < content.Length; at++)
        {
            byte[] changed = [.. content];
            changed[at] ^= (byte)random.Next(1, 256);
            Assert.Throws<ObjectDamagedException>(() => Decode(changed));
            Assert.Throws<ObjectDamagedException>(() => Decode(content[..at]));
        }

        ObjectDamagedException failure = Assert.Throws<ObjectDamagedException>(() => LogGroup.Decode(Store, ArchiveNames.Group(3, 2), content));
        Assert.Equal($"log/00000003/00000000000000000002 in {Store.Address} is damaged: it is log/00000003/00000000000000000001 under another name.", failure.Message);
    }

    private DirectoryStore Store => new(Path.Combine(Options.Directory, "archive"));

    private LogGroup Decode(byte[] content) => LogGroup.Decode(Store, ArchiveNames.Group(3, 1), content);

    private async Task<(byte[] Content, LogGroup Group)> GroupAsync()
    {
        await using (WriteAheadLog wal = Open(OneSegment))
        {
            for (int i = 1; i <= 6; i++) await wal.AppendAsync(System.Text.Encoding.ASCII.GetBytes($"request {i}"), i, []);
        }

        string file = Directory.GetFiles(Options.Directory, "*.wal").Order().First();
        var writer = new LogGroupWriter();
        writer.Begin(0);
        writer.Add(new SealedSegment(file, 1, new FileInfo(file).Length));
        writer.Add(new LogHole(2, 4, "lost"));
        (ReadOnlyMemory<byte> content, LogGroup group) = writer.Finish(s_place, 5);
        return (content.ToArray(), group);
    }
}
