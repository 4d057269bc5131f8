using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

/// <summary>A client that missed its answer sends again: nothing is stored twice, and nothing refused is taken for stored.</summary>
public sealed class ResendTests : LogTests
{
    [Fact]
    public async Task A_resend_is_acknowledged_and_not_appended_again_also_after_a_restart()
    {
        await using (WriteAheadLog wal = Open(OneSegment))
        {
            await wal.AppendAsync("same"u8, 1, []);
            await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => wal.AppendAsync("same"u8, 1, []))));
            await wal.AppendAsync("same"u8, 1, "another tenant"u8);
            await wal.AppendAsync("last"u8, 1, []);
        }

        await using (WriteAheadLog wal = Open())
        {
            await wal.AppendAsync("same"u8, 1, []);
            await wal.AppendAsync("last"u8, 1, []);
        }

        Assert.Equal(3, Read().Sum(content => content.Records.Count));
    }

    [Fact]
    public async Task A_resend_is_known_after_a_restart_even_when_its_segment_is_gone_or_was_never_sealed()
    {
        await using (WriteAheadLog wal = Open())
        {
            await wal.AppendAsync("in a segment that is stored"u8, 1, []);
            await WaitingAsync(wal, 1);
            await wal.AppendAsync("in a segment that isn't"u8, 1, []);
            await WaitingAsync(wal, 2);
            Sink(wal).Advance(1);
        }

        string[] journal = Directory.GetFiles(Folder, "*.taken");
        await File.WriteAllBytesAsync(Assert.Single(journal), [.. await File.ReadAllBytesAsync(journal[0], TestContext.Current.CancellationToken), 1, 2, 3], TestContext.Current.CancellationToken); // torn
        await using (WriteAheadLog wal = Open(OneSegment))
        {
            await wal.AppendAsync("in a segment that is stored"u8, 1, []);
            await wal.AppendAsync("in a segment that isn't"u8, 1, []);
            await wal.AppendAsync("new"u8, 1, []);
        }

        Assert.Equal(["in a segment that isn't", "new"], Read().SelectMany(content => content.Records).Select(record => System.Text.Encoding.UTF8.GetString(Request(record))));
    }

    [Fact]
    public async Task A_resend_is_known_after_a_second_restart_too()
    {
        await using (WriteAheadLog wal = Open(OneSegment)) await wal.AppendAsync("first"u8, 1, []);
        foreach (string journal in Directory.GetFiles(Folder, "*.taken")) File.Delete(journal); // killed before it was sealed
        await using (WriteAheadLog wal = Open())
        {
            WalCursor sink = Sink(wal);
            await wal.AppendAsync("second"u8, 1, []);
            await WaitingAsync(wal, 2);
            sink.Advance(2);
        }

        await using (WriteAheadLog wal = Open()) await wal.AppendAsync("first"u8, 1, []);

        Assert.Equal("second"u8, Request(Assert.Single(Assert.Single(Read()).Records)));
    }

    [Fact]
    public async Task A_resend_is_known_when_its_segment_was_let_go_of_by_a_process_that_took_nothing_itself()
    {
        await using (WriteAheadLog wal = Open())
        {
            await wal.AppendAsync("first"u8, 1, []);
            await WaitingAsync(wal, 1);
            await wal.AppendAsync("second"u8, 1, []);
        }

        Assert.Empty(Directory.GetFiles(Folder, "*.taken")); // the segments know
        await using (WriteAheadLog wal = Open()) Sink(wal).Advance(2);
        Assert.Single(Segments()); // the first is gone
        await using (WriteAheadLog wal = Open())
        {
            await wal.AppendAsync("first"u8, 1, []);
            await wal.AppendAsync("third"u8, 1, []);
        }

        Assert.Equal(["second", "third"], Read().SelectMany(content => content.Records).Select(record => System.Text.Encoding.UTF8.GetString(Request(record))));
    }

    [Fact]
    public async Task The_journal_of_requests_keeps_ten_minutes_and_no_more()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using (WriteAheadLog wal = WriteAheadLog.Open(OneSegment, time, NullLogger.Instance))
        {
            for (int minute = 0; minute < 60; minute++)
            {
                await wal.AppendAsync(BitConverter.GetBytes(minute), 1, []);
                await Eventually.BeTrueAsync("a sealed segment", () =>
                {
                    time.Advance(TimeSpan.FromMinutes(1));
                    return Task.FromResult(wal.Waiting.Segments == minute + 1);
                });
            }
        }

        Assert.InRange(Directory.GetFiles(Folder, "*.taken").Length, 4, 13); // a minute each, or two
    }

    [Fact]
    public async Task After_ten_minutes_an_equal_request_is_a_new_one()
    {
        var time = new FakeTimeProvider();
        await using (WriteAheadLog wal = WriteAheadLog.Open(Options, time, NullLogger.Instance))
        {
            await wal.AppendAsync("same"u8, 1, []);
            time.Advance(TimeSpan.FromMinutes(9));
            await wal.AppendAsync("same"u8, 1, []);
            time.Advance(TimeSpan.FromMinutes(2));
            await wal.AppendAsync("same"u8, 1, []);
        }

        Assert.Equal(2, Read().Sum(content => content.Records.Count));
    }

    [Fact]
    public async Task A_refused_request_can_be_sent_again()
    {
        await using WriteAheadLog wal = WriteAheadLog.Open(Options with { MaxBytes = 60 }, TimeProvider.System, NullLogger.Instance);
        await wal.AppendAsync("x"u8, 1, []);
        await WaitingAsync(wal, 1);
        await Assert.ThrowsAsync<WalRefusedException>(() => wal.AppendAsync("again"u8, 1, []));

        Sink(wal).Advance(1);
        await wal.AppendAsync("again"u8, 1, []);
        await WaitingAsync(wal, 1);

        Assert.Equal("again"u8, Request(Assert.Single(Assert.Single(Read()).Records))); // and the first, being stored, is gone
    }
}
