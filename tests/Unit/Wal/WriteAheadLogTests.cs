using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

public sealed class WriteAheadLogTests : LogTests
{
    [Fact]
    public async Task What_was_appended_is_read_back_in_order()
    {
        await using (WriteAheadLog wal = Open(OneSegment))
        {
            await wal.AppendAsync("first"u8, 1, "tenant"u8);
            await wal.AppendAsync(new byte[100_000], 7, []); // compresses
        }

        List<WalRecord> records = [.. Read().SelectMany(content => content.Records)];

        Assert.Equal([1UL, 2UL], records.Select(record => record.Sequence));
        Assert.Equal([1, 7], records.Select(record => record.SpanCount));
        Assert.Equal("first"u8, Request(records[0]));
        Assert.Equal(new byte[100_000], Request(records[1]));
        Assert.Equal("tenant"u8, records[0].Tenant.Span);
        Assert.True(new FileInfo(Read()[^1].Segment.Path).Length < 10_000);
    }

    [Fact]
    public async Task Many_appends_at_once_all_become_durable()
    {
        await using (WriteAheadLog wal = Open())
        {
            await Task.WhenAll(Enumerable.Range(0, 500).Select(i => Task.Run(() => wal.AppendAsync(BitConverter.GetBytes(i), 1, []))));
        }

        List<WalRecord> records = [.. Read().SelectMany(content => content.Records)];
        Assert.Equal(Enumerable.Range(0, 500), records.Select(record => BitConverter.ToInt32(Request(record))).Order());
        Assert.Equal(Enumerable.Range(1, 500).Select(i => (ulong)i), records.Select(record => record.Sequence));
    }

    [Fact]
    public async Task A_segment_is_sealed_by_age_and_given_to_who_waits()
    {
        await using WriteAheadLog wal = Open();
        Task<SealedSegment> sealedSegment = Sink(wal).NextAsync(TestContext.Current.CancellationToken);
        await wal.AppendAsync("x"u8, 1, []);

        Assert.Equal(1UL, (await sealedSegment).Number);
    }

    [Fact]
    public async Task A_segment_is_sealed_even_when_its_timer_comes_too_early()
    {
        await using WriteAheadLog wal = WriteAheadLog.Open(Options, new EarlyTimers(), NullLogger.Instance);
        await wal.AppendAsync("x"u8, 1, []);

        await Sink(wal).NextAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Numbers_sequences_and_identity_go_on_after_a_restart()
    {
        ulong identity;
        await using (WriteAheadLog wal = Open())
        {
            identity = wal.Identity;
            await wal.AppendAsync("1"u8, 1, []);
        }

        await using (WriteAheadLog wal = Open())
        {
            Assert.Equal(identity, wal.Identity);
            Assert.Equal(1UL, wal.NewestAtOpen);
            await wal.AppendAsync("2"u8, 1, []);
        }

        Assert.Equal([1UL, 2UL], Read().Select(content => content.Segment.Number));
        Assert.Equal([1UL, 2UL], Read().SelectMany(content => content.Records).Select(record => record.Sequence));
    }

    [Fact]
    public async Task Truncation_deletes_what_is_stored_but_never_the_newest()
    {
        await using WriteAheadLog wal = Open();
        WalCursor sink = Sink(wal);
        for (int segment = 1; segment <= 3; segment++)
        {
            await wal.AppendAsync(BitConverter.GetBytes(segment), 1, []);
            await WaitingAsync(wal, segment);
        }

        sink.Advance(3);

        Assert.Equal([3UL], Read().Select(content => content.Segment.Number));
        Assert.Equal(new FileInfo(Read()[0].Segment.Path).Length, wal.Bytes);
        Assert.Equal(default, wal.Waiting);
    }

    [Fact]
    public async Task A_torn_tail_is_dropped_wherever_it_was_torn_and_the_log_stays_writable()
    {
        await using (WriteAheadLog wal = Open(OneSegment))
        {
            await wal.AppendAsync("kept"u8, 1, []);
            await wal.AppendAsync("torn"u8, 1, []);
        }

        byte[] whole = await File.ReadAllBytesAsync(Segments()[0], TestContext.Current.CancellationToken);
        int lastRecord = whole.AsSpan().IndexOf("kept"u8) + "kept".Length;
        int tornRecord = whole.AsSpan().IndexOf("torn"u8) + "torn".Length;
        foreach (int length in (int[])[.. Enumerable.Range(lastRecord, 10), .. Enumerable.Range(WalSegment.PageBytes - 10, tornRecord - WalSegment.PageBytes + 10)])
        {
            foreach (string file in Directory.GetFiles(Folder)) File.Delete(file);
            string segment = Path.Combine(Folder, "00000000000000000001.wal");
            await File.WriteAllBytesAsync(segment, whole[..length], TestContext.Current.CancellationToken);
            await using (WriteAheadLog wal = Open()) await wal.AppendAsync("new"u8, 1, []);

            Assert.Equal(["kept", "new"], Read().SelectMany(content => content.Records).Select(record => System.Text.Encoding.UTF8.GetString(Request(record))));
            Assert.Equal([1UL, 2UL], Read().SelectMany(content => content.Records).Select(record => record.Sequence));
            Assert.Equal(Math.Min(length, WalSegment.PageBytes), new FileInfo(segment).Length);
        }
    }

    [Fact]
    public async Task A_segment_takes_no_more_than_its_bounds_however_much_waits()
    {
        WalOptions options = Options with { MaxSegmentAge = TimeSpan.FromMinutes(1), MaxSegmentSpans = 10, MaxSegmentBytes = 1_000 };
        await using (WriteAheadLog wal = WriteAheadLog.Open(options, TimeProvider.System, NullLogger.Instance))
        {
            await Task.WhenAll(Enumerable.Range(0, 100).Select(i => wal.AppendAsync((byte[])[.. BitConverter.GetBytes(i), .. new byte[146]], 3, [])));
            await wal.AppendAsync(new byte[5_000], 100, []); // too large for any: has one of its own
        }

        Assert.All(Read(), content => Assert.True(content.Records.Count == 1 || (content.Records.Sum(r => r.SpanCount) <= 10 && content.Records.Sum(r => r.RequestBytes) <= 1_000)));
        Assert.Equal(101, Read().Sum(content => content.Records.Count));
        Assert.Equal(Enumerable.Range(1, Read().Count).Select(i => (ulong)i), Read().Select(content => content.Segment.Number));
    }

    [Fact]
    public async Task A_number_that_a_cursor_or_an_empty_file_knows_is_not_used_again()
    {
        await using (WriteAheadLog wal = Open())
        {
            await wal.AppendAsync("x"u8, 1, []);
            Sink(wal).Advance(5);
        }

        await File.WriteAllBytesAsync(Path.Combine(Folder, "00000000000000000007.wal"), [1, 2, 3], TestContext.Current.CancellationToken);
        await using (WriteAheadLog wal = Open()) await wal.AppendAsync("y"u8, 1, []);

        Assert.Equal([1UL, 8UL], Read().Select(content => content.Segment.Number));
    }

    [Fact]
    public async Task What_is_stored_but_kept_does_not_fill_the_log()
    {
        await using WriteAheadLog wal = WriteAheadLog.Open(Options with { MaxBytes = 1_500 }, TimeProvider.System, NullLogger.Instance);
        byte[] first = new byte[1_000], second = new byte[1_000]; // they don't compress
        new Random(1).NextBytes(first);
        new Random(2).NextBytes(second);
        await wal.AppendAsync(first, 1, []);
        await WaitingAsync(wal, 1);
        await Assert.ThrowsAsync<WalRefusedException>(() => wal.AppendAsync(second, 1, []));

        Sink(wal).Advance(1);

        await wal.AppendAsync(second, 1, []);
    }

    [Fact]
    public async Task What_is_stored_but_kept_does_not_wait_after_a_restart()
    {
        await using (WriteAheadLog wal = Open())
        {
            WalCursor sink = Sink(wal);
            await wal.AppendAsync("stored"u8, 1, []);
            await WaitingAsync(wal, 1);
            sink.Advance(1);
        }

        await using WriteAheadLog again = WriteAheadLog.Open(Options with { MaxBytes = 60 }, TimeProvider.System, NullLogger.Instance);
        Sink(again);

        Assert.Equal(0, again.Waiting.Segments);
        await again.AppendAsync("there is room"u8, 1, []);
    }

    [Fact]
    public async Task Only_the_owner_can_look_into_the_folder()
    {
        string folder = Path.Combine(Folder, "new");
        await using WriteAheadLog wal = WriteAheadLog.Open(Options with { Directory = folder }, TimeProvider.System, NullLogger.Instance);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
    }

    [Fact]
    public async Task Files_of_other_names_are_left_alone_and_a_damaged_header_does_not_stop_the_log()
    {
        await using (WriteAheadLog wal = Open()) await wal.AppendAsync("kept"u8, 1, []);
        string stray = Path.Combine(Folder, "copy of 1.wal"), damaged = Path.Combine(Folder, "00000000000000000002.wal");
        await File.WriteAllTextAsync(stray, "not ours", TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(damaged, new byte[100], TestContext.Current.CancellationToken);

        await using (WriteAheadLog wal = Open())
        {
            Assert.Equal(2, wal.Waiting.Segments);
            await wal.AppendAsync("new"u8, 1, []);
        }

        Assert.True(File.Exists(stray));
        Assert.Equal("new"u8, Request(Assert.Single(WalReader.Read(Path.Combine(Folder, "00000000000000000003.wal"))!.Records)));
    }

    [Fact]
    public async Task What_cannot_be_deleted_stays_known_and_is_tried_again()
    {
        await using WriteAheadLog wal = Open();
        WalCursor sink = Sink(wal);
        for (int segment = 1; segment <= 3; segment++)
        {
            await wal.AppendAsync(BitConverter.GetBytes(segment), 1, []);
            await WaitingAsync(wal, segment);
        }

        string first = Segments()[0];
        File.Delete(first);
        Directory.CreateDirectory(first); // File.Delete refuses it
        Assert.ThrowsAny<UnauthorizedAccessException>(() => sink.Advance(2));
        Assert.Equal(2UL, sink.Position);
        Directory.Delete(first);
        sink.Advance(3);

        Assert.Equal([3UL], Segments().Select(WalSegment.NumberOf));
        Assert.Equal(new FileInfo(Segments()[0]).Length, wal.Bytes);
    }

    [Fact]
    public async Task A_full_log_refuses_and_says_what_to_do()
    {
        await using WriteAheadLog wal = WriteAheadLog.Open(Options with { MaxBytes = 1_000 }, TimeProvider.System, NullLogger.Instance);
        await wal.AppendAsync("x"u8, 1, []);

        WalRefusedException refused = await Assert.ThrowsAsync<WalRefusedException>(() => wal.AppendAsync(new byte[2_000], 1, []));

        Assert.Contains("The write-ahead log is full", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Wal:MaxBytes", refused.Message, StringComparison.Ordinal);
        Assert.True(refused.RetryAfter > TimeSpan.Zero);
    }

    [Fact]
    public async Task A_second_process_is_kept_out_and_told_why()
    {
        await using WriteAheadLog wal = Open();

        IOException refused = Assert.Throws<IOException>(Open);

        Assert.StartsWith($"Another TraceStore (process {Environment.ProcessId}) uses {Folder}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_a_newer_format_is_refused_with_what_to_do()
    {
        byte[] header = new WalSegment("x", 1, 1, 1, 1).EncodeHeader();
        header[4]++;
        BitConverter.TryWriteBytes(header.AsSpan(40), Crc32C.Of(header.AsSpan(0, 40)));
        File.WriteAllBytes(Path.Combine(Folder, "00000000000000000001.wal"), header);

        NewerFormatException refused = Assert.Throws<NewerFormatException>(Open);

        Assert.Contains("has format version 5; this TraceStore reads versions up to 4. Start the TraceStore that wrote it.", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_checksum_is_castagnolis() => Assert.Equal(0xE3069283u, Crc32C.Of("123456789"u8)); // RFC 3720, B.4

    /// <summary>Time whose timers come after half the time asked for, as a coarse system clock's may.</summary>
    private sealed class EarlyTimers : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new Halved(System.CreateTimer(callback, state, dueTime, period));

        private sealed class Halved(ITimer timer) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(dueTime > TimeSpan.Zero ? dueTime / 2 : dueTime, period);

            public void Dispose() => timer.Dispose();

            public ValueTask DisposeAsync() => timer.DisposeAsync();
        }
    }
}
