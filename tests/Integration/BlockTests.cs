using System.Diagnostics.Metrics;
using Google.Protobuf;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Collector.Pipeline;
using TraceStore.Storage.ClickHouse;
using TraceStore.Storage.Wal;
using static TraceStore.Tests.OtlpSamples;

namespace TraceStore.Tests.Integration;

/// <summary>Segments that are stored at once, from a log to the real engine, with crashes between the steps.</summary>
public sealed class BlockTests(EngineFixture fixture) : IDisposable
{
    private const int Segments = 6;

    private readonly TemporaryDirectory _directory = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly SpanBlock _range = new();
    private ulong _wal;

    public void Dispose()
    {
        _services.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Segments_that_wait_are_one_part()
    {
        await using WriteAheadLog wal = await FillAsync();

        await FollowAsync(wal, () => StoreWatch.None, () => IsAtEnd(wal));

        Assert.Equal("6\t6", await AskAsync("concat(toString(count()), '\t', toString(uniq(seg)))"));
        await AssertRangeHasOneTokenAsync(spans: 6);
    }

    [Fact]
    public async Task Until_a_block_is_due_its_spans_are_found_in_memory_and_at_the_end_it_is_stored()
    {
        await using WriteAheadLog wal = await FillAsync();
        var recent = new RecentSpans();
        await using SegmentFollower follower = Follow(wal, () => StoreWatch.None, recent, TimeSpan.FromMinutes(10));

        await Eventually.BeTrueAsync("all spans in memory", () => Task.FromResult(recent.Block.Spans.Count == Segments));
        Assert.Equal(("0", "1"), (await AskAsync("count()"), await AskAsync("uniq(hash)", "resources WHERE service = 'blocks'")));

        await follower.DrainAsync(TimeSpan.FromSeconds(30));
        Assert.Equal("6", await AskAsync("count()"));
        await Eventually.BeTrueAsync("an empty memory", () => Task.FromResult(recent.Block.Spans.Count == 0));
    }

    [Fact]
    public async Task Many_spans_wait_for_no_more()
    {
        const int many = 100_000;
        await using WriteAheadLog wal = Open();
        _wal = wal.Identity;
        byte[] request = Request(Resource("blocks", Enumerable.Range(1, many).Select(number => Span(trace: 2_000, span: number)))).ToByteArray();
        await wal.AppendAsync(request, many, tenant: default);
        await using SegmentFollower follower = Follow(wal, () => StoreWatch.None, new RecentSpans(), TimeSpan.FromMinutes(10));

        await Eventually.BeTrueAsync("a block", () => IsAtEnd(wal));
        Assert.Equal($"{many}", await AskAsync("count()"));
    }

    [Fact]
    public async Task What_waited_at_a_crash_and_was_not_tried_waits_again()
    {
        await using (WriteAheadLog wal = await FillAsync())
        {
            var recent = new RecentSpans();
            await using SegmentFollower follower = Follow(wal, () => StoreWatch.None, recent, TimeSpan.FromMinutes(10));
            await Eventually.BeTrueAsync("all spans in memory", () => Task.FromResult(recent.Block.Spans.Count == Segments));
        }

        await using WriteAheadLog again = Open();
        await FollowAsync(again, () => StoreWatch.None, () => IsAtEnd(again));
        Assert.Equal("6\t6", await AskAsync("concat(toString(count()), '\t', toString(uniq(seg)))"));
    }

    [Fact]
    public async Task A_range_that_was_stored_before_a_crash_is_found_to_be()
    {
        await using (WriteAheadLog wal = await FillAsync())
        {
            var powerCut = new StoreWatch(_ => Task.CompletedTask, _ => IsTried ? throw new IOException("the power is cut before all is on disk") : Task.CompletedTask);
            await FollowAsync(wal, () => powerCut, async () => await AskAsync("count()") == "6");
            Assert.Equal(new WalBacklog(Segments, wal.Waiting.Bytes), wal.Waiting);
        }

        await AssertAllIsStoredOnceAfterARestartAsync();
    }

    [Fact]
    public async Task A_range_that_was_not_stored_before_a_crash_is_tried_again_as_it_was()
    {
        await using (WriteAheadLog wal = await FillAsync())
        {
            int attempts = 0;
            await FollowAsync(
                wal,
                () =>
                {
                    if (!IsTried) return StoreWatch.None;
                    Interlocked.Increment(ref attempts);
                    throw new IOException("the engine is away");
                },
                () => Task.FromResult(Volatile.Read(ref attempts) > 1));
            Assert.Equal("0", await AskAsync("count()"));
        }

        await AssertAllIsStoredOnceAfterARestartAsync();
    }

    [Fact]
    public async Task Of_a_range_only_the_segment_that_is_refused_is_set_aside()
    {
        await using WriteAheadLog wal = await FillAsync();
        string constraint = $"no_poison_{_wal:x}";
        await fixture.Database.ExecuteAsync($"ALTER TABLE spans ADD CONSTRAINT {constraint} CHECK NOT (wal = {_wal} AND seg = 3)", cancellation: TestContext.Current.CancellationToken);
        try
        {
            await FollowAsync(wal, () => StoreWatch.None, () => IsAtEnd(wal));
        }
        finally
        {
            await fixture.Database.ExecuteAsync($"ALTER TABLE spans DROP CONSTRAINT {constraint}", cancellation: CancellationToken.None);
        }

        Assert.Equal("5\t5\t0", await AskAsync("concat(toString(count()), '\t', toString(uniq(seg)), '\t', toString(countIf(seg = 3)))"));
        QuarantineEntry entry = Assert.Single(new Quarantine(_directory.Path).Entries());
        Assert.Equal("00000000000000000003.wal", entry.Name);
        Assert.Contains(constraint, entry.Reason, StringComparison.Ordinal);
    }

    private async Task AssertAllIsStoredOnceAfterARestartAsync()
    {
        await using WriteAheadLog again = Open();
        await again.AppendAsync(Spans(7), 1, tenant: default); // behind the range, and no part of it
        await FollowAsync(again, () => StoreWatch.None, () => IsAtEnd(again));

        Assert.Equal("7\t7", await AskAsync("concat(toString(count()), '\t', toString(uniq(trace_id)))"));
        await AssertRangeHasOneTokenAsync(spans: 7);
    }

    /// <summary>A first attempt that arrives when all is over: it stores nothing only where the range was stored by its token.</summary>
    private async Task AssertRangeHasOneTokenAsync(int spans)
    {
        string prefix = SpanBlockInserter.NameOf(_range.Segments!), token = SpanBlockInserter.TokenOf(prefix, _range.ToNative().Span, burnt: 0);
        await fixture.Database.InsertAsync("spans", _range.ToNative(), prefix + "late", token, TestContext.Current.CancellationToken);
        Assert.Equal($"{spans}", await AskAsync("count()"));
    }

    /// <summary>Whether a range has been noted, after what it refers to was stored.</summary>
    private bool IsTried => File.Exists(Path.Combine(_directory.Path, "clickhouse.cursor"));

    private static Task<bool> IsAtEnd(WriteAheadLog wal) => Task.FromResult(wal.Waiting.Segments == 0 && !wal.IsWriting);

    private static byte[] Spans(int number) => Request(Resource("blocks", Span(trace: 1_000 + number, span: number))).ToByteArray();

    private WriteAheadLog Open() =>
        WriteAheadLog.Open(new WalOptions { Directory = _directory.Path, MaxSegmentSpans = 1, MaxSegmentAge = TimeSpan.FromMilliseconds(10) }, TimeProvider.System, NullLogger.Instance);

    /// <summary>A log with segments of a span each, all sealed.</summary>
    private async Task<WriteAheadLog> FillAsync()
    {
        WriteAheadLog wal = Open();
        _wal = wal.Identity;
        for (int number = 1; number <= Segments; number++) await wal.AppendAsync(Spans(number), 1, tenant: default);
        await Eventually.BeTrueAsync("sealed segments", () => Task.FromResult(wal.Waiting.Segments == Segments));
        var quarantine = new Quarantine(_directory.Path);
        var decoder = new SegmentDecoder(quarantine, NullLogger.Instance);
        foreach (string path in Directory.GetFiles(_directory.Path, "*.wal").Order(StringComparer.Ordinal).Take(Segments))
        {
            decoder.Decode(new SealedSegment(path, WalSegment.NumberOf(path), new FileInfo(path).Length));
            _range.Add(decoder.Output);
        }

        return wal;
    }

    private async Task FollowAsync(WriteAheadLog wal, Func<StoreWatch> watch, Func<Task<bool>> until)
    {
        await using SegmentFollower follower = Follow(wal, watch, new RecentSpans(), TimeSpan.Zero);
        await Eventually.BeTrueAsync("the follower's end", until);
    }

    private SegmentFollower Follow(WriteAheadLog wal, Func<StoreWatch> watch, RecentSpans recent, TimeSpan maxBlockAge)
    {
        var quarantine = new Quarantine(_directory.Path);
        var metrics = new IngestMetrics(_services.GetRequiredService<IMeterFactory>(), wal, quarantine);
        return new SegmentFollower(
            wal, quarantine, new SchemaMigrator(fixture.Database, NullLogger.Instance), new SpanBlockInserter(fixture.Database), watch, recent, maxBlockAge, metrics, NullLogger<SegmentFollower>.Instance);
    }

    private async Task<string> AskAsync(string what) => await AskAsync(what, $"spans WHERE wal = {_wal}");

    private async Task<string> AskAsync(string what, string of) =>
        (await fixture.Database.ReadLinesAsync(new SqlQuery($"SELECT {what} FROM {of}"), TestContext.Current.CancellationToken)).SingleOrDefault("0");
}
