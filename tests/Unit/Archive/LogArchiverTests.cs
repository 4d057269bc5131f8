using Microsoft.Extensions.Logging;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Wal;
using TraceStore.Tests.S3;

namespace TraceStore.Tests.Unit.Archive;

public sealed class LogArchiverTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Data => Path.Combine(_directory.Path, "data");

    private DirectoryStore Store => new(Path.Combine(_directory.Path, "archive"));

    [Fact]
    public async Task What_was_acknowledged_is_archived_in_order_and_can_be_read()
    {
        await using (ArchiveSite site = Site().Start())
        {
            await site.AppendAsync(0, 300);
            await site.UntilArchivedAsync();
        }

        LogGroup[] groups = await ArchiveSite.GroupsAsync(Store);
        Assert.Equal(Enumerable.Range(0, 300), ArchiveSite.RequestsIn(groups));
        Assert.Equal(300, groups.Sum(group => group.Counts.Records));
        Assert.Equal(300, groups.Sum(group => group.Counts.Spans));
        Assert.All(groups.Zip(groups.Skip(1)), pair => Assert.Equal(pair.First.Place.Last + 1, pair.Second.Place.First));
        Assert.All(groups, group => Assert.Empty(group.Holes));
        ArchiveHead head = await ArchiveSite.HeadAsync(Store);
        Assert.Equal(groups[^1].Place.Last, head.Frontier.Segment);
        Assert.Equal(groups.Length, head.Frontier.Groups);
        Assert.True(head.Writer!.Until <= Store.Now.AddSeconds(1), "a clean stop lets the next writer begin");
    }

    [Fact]
    public async Task After_a_restart_the_archive_goes_on_where_it_was()
    {
        for (int run = 0; run < 3; run++)
        {
            await using ArchiveSite site = Site().Start();
            await site.AppendAsync(run * 10, 10);
            await site.UntilArchivedAsync();
        }

        Assert.Equal(Enumerable.Range(0, 30), ArchiveSite.RequestsIn(await ArchiveSite.GroupsAsync(Store)));
        Assert.Single((await ArchiveSite.HeadAsync(Store)).Epochs);
    }

    /// <summary>Killed between an object's creation and the cursor's move, or with a cursor that an old disk had.</summary>
    [Theory]
    [InlineData("of before the last group")]
    [InlineData("of the beginning")]
    [InlineData("none")]
    public async Task A_cursor_that_stayed_behind_doubles_nothing(string cursor)
    {
        string file = Path.Combine(Data, "wal", "archive.cursor");
        byte[]? kept = null;
        await using (ArchiveSite site = Site().Start())
        {
            await site.AppendAsync(0, 20);
            await site.UntilArchivedAsync();
            if (cursor == "of the beginning") kept = await File.ReadAllBytesAsync(file);
            await site.AppendAsync(20, 20);
            await site.UntilArchivedAsync();
            if (cursor == "of before the last group") kept = await File.ReadAllBytesAsync(file);
            await site.AppendAsync(40, 20);
            await site.UntilArchivedAsync();
        }

        if (kept is null) File.Delete(file);
        else await File.WriteAllBytesAsync(file, kept);
        await using (ArchiveSite site = Site().Start())
        {
            await site.AppendAsync(60, 20);
            await site.UntilArchivedAsync();
        }

        LogGroup[] groups = await ArchiveSite.GroupsAsync(Store);
        Assert.Equal(Enumerable.Range(0, 80), ArchiveSite.RequestsIn(groups));
        Assert.All(groups, group => Assert.Empty(group.Holes));
    }

    [Fact]
    public async Task An_object_whose_answer_was_lost_is_known_for_ours()
    {
        await using S3Server server = await S3Server.StartAsync();
        await using var store = new S3Store(server.Options());
        server.Faults = call => call.Operation == "PutObject" && call.Key.Contains("/log/", StringComparison.Ordinal) && call.Number % 2 == 0 ? new S3Fault.LoseAnswer() : null;
        await using (ArchiveSite site = new ArchiveSite(Data, store).Start())
        {
            await site.AppendAsync(0, 200);
            await site.UntilArchivedAsync();
            Assert.Equal(0, site.Archiver.Failures);
        }

        Assert.Equal(Enumerable.Range(0, 200), ArchiveSite.RequestsIn(await ArchiveSite.GroupsAsync(store)));
    }

    [Theory]
    [InlineData("refused")]
    [InlineData("refused after")]
    public async Task A_store_that_fails_at_any_call_misses_nothing_and_doubles_nothing(string when)
    {
        await using S3Server server = await S3Server.StartAsync();
        await using var store = new S3Store(server.Options() with { Retries = 1 });
        // Two in a row, so that it isn't the call that is made again, but what called it.
        server.Faults = call => call.Number % 17 < 2 ? when == "refused" ? new S3Fault.Refuse(503, "SlowDown") : new S3Fault.RefuseAfter(500, "InternalError") : null;
        for (int run = 0; run < 3; run++)
        {
            await using ArchiveSite site = new ArchiveSite(Data, store).Start();
            await site.AppendAsync(run * 50, 50);
            await site.UntilArchivedAsync();
        }

        server.Faults = _ => null;
        LogGroup[] groups = await ArchiveSite.GroupsAsync(store);
        Assert.Equal(Enumerable.Range(0, 150), ArchiveSite.RequestsIn(groups));
        Assert.All(groups, group => Assert.Empty(group.Holes));
    }

    [Fact]
    public async Task While_the_store_is_away_the_log_keeps_everything_and_says_so()
    {
        await using S3Server server = await S3Server.StartAsync();
        await using var store = new S3Store(server.Options() with { Retries = 1 });
        await using ArchiveSite site = new ArchiveSite(Data, store).Start(keeps: false);
        await site.AppendAsync(0, 50);
        await site.UntilArchivedAsync();
        server.Faults = _ => new S3Fault.Refuse(503, "SlowDown");
        await site.AppendAsync(50, 50);
        await Eventually.BeTrueAsync("the ailment", () => Task.FromResult(site.Archiver.Ailment is not null));
        Assert.Contains("s3://bucket/archive", site.Archiver.Ailment, StringComparison.Ordinal);
        Assert.True(site.Archiver.Backlog.Segments > 0);
        server.Faults = _ => null;
        await site.UntilArchivedAsync();
        Assert.Equal(Enumerable.Range(0, 100), ArchiveSite.RequestsIn(await ArchiveSite.GroupsAsync(store)));
    }

    [Fact]
    public async Task What_the_log_let_go_of_while_the_store_was_away_is_a_hole()
    {
        await using S3Server server = await S3Server.StartAsync();
        await using var store = new S3Store(server.Options() with { Retries = 1 });
        await using ArchiveSite site = new ArchiveSite(Data, store) { Claim = CursorClaim.Optional, MaxOptionalBytes = 40_000 }.Start();
        await site.AppendAsync(0, 10);
        await site.UntilArchivedAsync();
        server.Faults = _ => new S3Fault.Refuse(503, "SlowDown");
        for (int i = 10; site.Keeper.Position == 0 || i < 60; i++)
        {
            await site.AppendAsync(i, 1);
            SealedSegment segment = await site.Keeper.NextAsync(TestContext.Current.CancellationToken);
            site.Keeper.Advance(segment.Number); // the other sink has it
        }

        server.Faults = _ => null;
        await site.AppendAsync(1_000, 10);
        await site.UntilArchivedAsync();
        LogGroup[] groups = await ArchiveSite.GroupsAsync(store);
        LogHole hole = Assert.Single(groups.SelectMany(group => group.Holes));
        Assert.Contains("Archive:WhenAway=skip", hole.Reason, StringComparison.Ordinal);
        int[] requests = ArchiveSite.RequestsIn(groups);
        Assert.Equal(Enumerable.Range(0, 10), requests[..10]);
        Assert.Equal(Enumerable.Range(1_000, 10), requests[^10..]);
        Assert.Contains(site.Log.Collector.GetSnapshot(), record => record.Level == LogLevel.Error && record.Message.Contains("are in no archive", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Segments_that_somebody_deleted_are_a_hole()
    {
        await using (ArchiveSite site = Site().Start())
        {
            await site.AppendAsync(0, 10);
            await site.UntilArchivedAsync();
        }

        var away = new DirectoryStore(Path.Combine(_directory.Path, "data", "wal", "lock", "nowhere")); // a file is in its way
        await using (ArchiveSite site = new ArchiveSite(Data, away).Start())
        {
            for (int i = 10; i < 40; i += 10)
            {
                await site.AppendAsync(i, 10);
                await Eventually.BeTrueAsync("a seal", () => Task.FromResult(!site.Wal.IsWriting));
            }

            await site.EndAsync();
        }

        string[] files = [.. Directory.GetFiles(Path.Combine(Data, "wal"), "*.wal").Order()];
        File.Delete(files[^2]);
        await using (ArchiveSite site = Site().Start()) await site.UntilArchivedAsync();

        LogGroup[] groups = await ArchiveSite.GroupsAsync(Store);
        Assert.Contains("their files were deleted before they were archived", Assert.Single(groups.SelectMany(group => group.Holes)).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Objects_that_are_gone_from_the_store_are_a_hole()
    {
        await using (ArchiveSite site = Site().Start(keeps: false))
        {
            await site.AppendAsync(0, 10);
            await site.UntilArchivedAsync();
            ulong known = (await ArchiveSite.HeadAsync(Store)).Frontier.Segment;
            await site.AppendAsync(10, 10);
            await site.UntilArchivedAsync();
            foreach (LogGroup group in (await ArchiveSite.GroupsAsync(Store)).Where(group => group.Place.First > known)) await Store.DeleteAsync(ArchiveNames.Group(1, group.Place.First), default);
            File.Copy(Path.Combine(_directory.Path, "archive", "head.json"), Path.Combine(_directory.Path, "head"));
        }

        // The head of a time when the objects weren't known of yet, as after kill -9
        ArchiveHead head = await ArchiveSite.HeadAsync(Store);
        ArchiveHead earlier = ArchiveHead.Decode(Store, await File.ReadAllBytesAsync(Path.Combine(_directory.Path, "head")));
        if (earlier.Frontier.Segment == head.Frontier.Segment) return; // it was renewed just then
        await File.WriteAllBytesAsync(Path.Combine(_directory.Path, "archive", "head.json"), earlier.Encode());
        await using (ArchiveSite site = Site().Start(keeps: false))
        {
            await site.AppendAsync(20, 10);
            await site.UntilArchivedAsync();
        }

        LogGroup[] groups = await ArchiveSite.GroupsAsync(Store);
        Assert.Contains("its objects are gone from the store", Assert.Single(groups.SelectMany(group => group.Holes)).Reason, StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(20, 10), ArchiveSite.RequestsIn(groups)[^10..]);
    }

    [Fact]
    public async Task A_cursor_that_can_not_be_written_for_a_while_doubles_nothing()
    {
        await using (ArchiveSite site = Site().Start())
        {
            await site.AppendAsync(0, 10);
            await site.UntilArchivedAsync();
            string inTheWay = Directory.CreateDirectory(Path.Combine(site.WalDirectory, "archive.cursor.new")).FullName;
            await site.AppendAsync(10, 10);
            await Eventually.BeTrueAsync("the ailment", () => Task.FromResult(site.Archiver.Ailment is not null));
            await site.AppendAsync(20, 10);
            Directory.Delete(inTheWay);
            await site.UntilArchivedAsync();
        }

        LogGroup[] groups = await ArchiveSite.GroupsAsync(Store);
        Assert.Equal(Enumerable.Range(0, 30), ArchiveSite.RequestsIn(groups));
        Assert.All(groups.Zip(groups.Skip(1)), pair => Assert.Equal(pair.First.Place.Last + 1, pair.Second.Place.First));
    }

    [Theory]
    [InlineData(0, "which here goes to ")]
    [InlineData(40, ", with other content")]
    public async Task A_data_directory_that_was_set_back_is_told_and_mixes_nothing_up(int appended, string expected)
    {
        await using (ArchiveSite site = Site().Start())
        {
            await site.AppendAsync(0, 10);
            await site.UntilArchivedAsync();
        }

        CopyDirectory(Data, Data + ".earlier");
        await using (ArchiveSite site = Site().Start())
        {
            for (int i = 10; i < 20; i++)
            {
                await site.AppendAsync(i, 1);
                await site.UntilArchivedAsync();
            }
        }

        int before = ArchiveSite.RequestsIn(await ArchiveSite.GroupsAsync(Store)).Length;
        Directory.Delete(Data, recursive: true);
        Directory.Move(Data + ".earlier", Data);
        // The head of a moment before its last group was known, as after kill -9: so that the group itself is looked at
        ArchiveHead head = await ArchiveSite.HeadAsync(Store);
        LogGroup last = (await ArchiveSite.GroupsAsync(Store))[^1];
        await File.WriteAllBytesAsync(Path.Combine(_directory.Path, "archive", "head.json"), (head with { Frontier = head.Frontier with { Segment = last.Place.First - 1 } }).Encode());
        var away = new DirectoryStore(Path.Combine(Data, "wal", "lock", "nowhere"));
        await using (ArchiveSite site = new ArchiveSite(Data, away).Start())
        {
            for (int i = 0; i < appended; i++)
            {
                await site.AppendAsync(100 + i, 1);
                await Eventually.BeTrueAsync("a seal", () => Task.FromResult(!site.Wal.IsWriting));
            }

            await site.EndAsync();
        }

        await using (ArchiveSite site = Site().Start())
        {
            await Eventually.BeTrueAsync("the ailment", () => Task.FromResult(site.Archiver.Ailment is not null));
            Assert.Contains(expected, site.Archiver.Ailment, StringComparison.Ordinal);
            Assert.Contains("is a copy of the one that was archived, or was set back to an earlier state", site.Archiver.Ailment, StringComparison.Ordinal);
            await site.EndAsync();
        }

        Assert.Equal(before, ArchiveSite.RequestsIn(await ArchiveSite.GroupsAsync(Store)).Length);
    }

    [Fact]
    public async Task With_the_log_lost_a_new_epoch_goes_on_from_all_that_was_archived()
    {
        await using (ArchiveSite site = Site().Start())
        {
            for (int i = 0; i < 5; i++)
            {
                await site.AppendAsync(i, 1);
                await site.UntilArchivedAsync();
            }
        }

        ArchiveHead head = await ArchiveSite.HeadAsync(Store);
        await File.WriteAllBytesAsync(Path.Combine(_directory.Path, "archive", "head.json"), (head with { Frontier = ArchiveFrontier.Before(1) }).Encode()); // as it was ten seconds before kill -9
        Directory.Delete(Path.Combine(Data, "wal"), recursive: true);
        await using (ArchiveSite site = Site().Start())
        {
            await site.AppendAsync(10, 1);
            await site.UntilArchivedAsync();
        }

        head = await ArchiveSite.HeadAsync(Store);
        Assert.Equal(2u, head.Current.Number);
        LogGroup[] first = await ArchiveSite.GroupsAsync(Store, epoch: 0), second = await ArchiveSite.GroupsAsync(Store);
        Assert.Equal([0, 1, 2, 3, 4], ArchiveSite.RequestsIn(first));
        Assert.Equal([10], ArchiveSite.RequestsIn(second));
        Assert.Equal(5, head.Current.From!.Frontier.Groups);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    [InlineData(100)]
    public async Task A_segment_without_a_right_header_holds_up_nothing(int bytes)
    {
        await using (ArchiveSite site = Site().Start())
        {
            await site.AppendAsync(0, 3);
            await site.UntilArchivedAsync();
        }

        string newest = Directory.GetFiles(Path.Combine(Data, "wal"), "*.wal").Order().Last();
        ulong number = WalSegment.NumberOf(newest);
        await File.WriteAllBytesAsync(WalSegment.PathOf(Path.Combine(Data, "wal"), number + 1), new byte[bytes]);
        File.Copy(newest, WalSegment.PathOf(Path.Combine(Data, "wal"), number + 2)); // a newest that can be read, so that the one before stays
        await using (ArchiveSite site = Site().Start())
        {
            await site.AppendAsync(3, 3);
            await site.UntilArchivedAsync();
        }

        LogGroup[] groups = await ArchiveSite.GroupsAsync(Store);
        Assert.Equal([3, 4, 5], ArchiveSite.RequestsIn(groups)[^3..]);
        Assert.Equal(bytes == 100 ? 1 : 0, groups.SelectMany(group => group.Holes).Count());
    }

    /// <summary>Everything with a receive time up to what the archive says is in it, whatever is on its way.</summary>
    [Fact]
    public async Task What_the_archive_says_is_complete_is_complete()
    {
        await using ArchiveSite site = Site().Start();
        using var done = new CancellationTokenSource();
        int next = 0;
        Task[] clients =
        [
            .. Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
            {
                while (!done.IsCancellationRequested) await site.Wal.AppendAsync(ArchiveSite.Request(Interlocked.Increment(ref next)), 1, []);
            })),
        ];
        for (int i = 0; i < 20; i++)
        {
            DateTimeOffset? before = site.Archiver.CompleteThrough;
            await Eventually.BeTrueAsync("a later moment", () => Task.FromResult(site.Archiver.CompleteThrough > (before ?? DateTimeOffset.MinValue)));
            ulong complete = (ulong)(site.Archiver.CompleteThrough!.Value - DateTimeOffset.UnixEpoch).Ticks * 100;
            HashSet<ulong> archived = [.. (await ArchiveSite.GroupsAsync(Store)).SelectMany(group => group.Segments).SelectMany(segment => segment.Read("x")!.Records).Select(record => record.Sequence)];
            IEnumerable<WalRecord> inLog = Directory.GetFiles(site.WalDirectory, "*.wal").Select(path => WalReader.Read(path)).OfType<WalSegmentContent>().SelectMany(content => content.Records);
            Assert.All(inLog.Where(record => record.ReceiveTimeUnixNano <= complete), record => Assert.Contains(record.Sequence, archived));
        }

        await done.CancelAsync();
        await Task.WhenAll(clients);
    }

    [Fact]
    public async Task Idle_time_is_complete_as_well()
    {
        await using ArchiveSite site = Site().Start();
        DateTimeOffset started = DateTimeOffset.UtcNow;
        await Eventually.BeTrueAsync("idle time", async () => (await Store.GetAsync(ArchiveNames.Head, default)) is not null && (await ArchiveSite.HeadAsync(Store)).Frontier.CompleteThrough > started);
    }

    [Fact]
    public async Task A_log_that_is_older_than_its_archive_begins_with_what_it_still_has()
    {
        await using (ArchiveSite site = Site().Start(keeps: false))
        {
            await site.AppendAsync(0, 30);
            await site.UntilArchivedAsync();
            await site.AppendAsync(30, 1);
            await site.UntilArchivedAsync();
        }

        File.Delete(Path.Combine(Data, "archive.json"));
        File.Delete(Path.Combine(Data, "wal", "archive.cursor"));
        var other = new DirectoryStore(Path.Combine(_directory.Path, "other"));
        await using (ArchiveSite site = new ArchiveSite(Data, other).Start())
        {
            await site.AppendAsync(40, 5);
            await site.UntilArchivedAsync();
        }

        LogGroup[] groups = await ArchiveSite.GroupsAsync(other);
        Assert.Equal([40, 41, 42, 43, 44], ArchiveSite.RequestsIn(groups)[^5..]);
        Assert.True((await ArchiveSite.HeadAsync(other)).Current.First > 1);
        Assert.All(groups, group => Assert.Empty(group.Holes));
    }

    public void Dispose() => _directory.Dispose();

    private static void CopyDirectory(string from, string to)
    {
        foreach (string folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories).Prepend(from)) Directory.CreateDirectory(folder.Replace(from, to, StringComparison.Ordinal));
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories)) File.Copy(file, file.Replace(from, to, StringComparison.Ordinal));
    }

    private ArchiveSite Site() => new(Data, Store);
}
