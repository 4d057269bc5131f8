using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

public sealed class CursorClaimTests : IDisposable
{
    /// <summary>A page: the least that a segment takes.</summary>
    private const int SegmentBytes = 4096;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_log_keeps_what_any_sink_has_not_got()
    {
        await using WriteAheadLog wal = Open(maxOptionalBytes: 1_000_000);
        WalCursor required = wal.OpenCursor("required", CursorClaim.Required), optional = wal.OpenCursor("optional", CursorClaim.Optional);
        await AppendSegmentsAsync(wal, 4);

        required.Advance(3);
        Assert.Equal(4, wal.Waiting.Segments);

        optional.Advance(2);
        Assert.Equal(2, wal.Waiting.Segments);
        Assert.Equal(3UL, (await optional.NextAsync(TestContext.Current.CancellationToken)).Number);
        Assert.Equal((1, 2), (required.Backlog.Segments, optional.Backlog.Segments));
    }

    [Fact]
    public async Task An_optional_sink_that_is_too_far_behind_is_lost_and_holds_up_nothing()
    {
        await using WriteAheadLog wal = Open(maxOptionalBytes: 3 * SegmentBytes);
        WalCursor required = wal.OpenCursor("required", CursorClaim.Required), optional = wal.OpenCursor("optional", CursorClaim.Optional);
        await AppendSegmentsAsync(wal, 2);
        Assert.False(optional.IsLost);

        await AppendSegmentsAsync(wal, 2);
        await Eventually.BeTrueAsync("the loss", () => Task.FromResult(optional.IsLost));
        required.Advance(4);

        Assert.Equal(0, wal.Waiting.Segments);
        Assert.False(required.IsLost);
    }

    [Fact]
    public async Task A_required_sink_is_never_lost_rather_the_log_refuses()
    {
        await using WriteAheadLog wal = Open(maxOptionalBytes: SegmentBytes, maxBytes: (3 * SegmentBytes) + 1_000);
        WalCursor required = wal.OpenCursor("required", CursorClaim.Required);
        await AppendSegmentsAsync(wal, 3);

        await Assert.ThrowsAsync<WalRefusedException>(() => wal.AppendAsync(Noise(99), 1, []));

        Assert.Equal((3, false), (required.Backlog.Segments, required.IsLost));
    }

    private WriteAheadLog Open(long maxOptionalBytes, long maxBytes = 1_000_000) => WriteAheadLog.Open(
        new WalOptions { Directory = _directory.Path, MaxSegmentAge = TimeSpan.FromMilliseconds(10), MaxOptionalBytes = maxOptionalBytes, MaxBytes = maxBytes },
        TimeProvider.System,
        NullLogger.Instance);

    private static async Task AppendSegmentsAsync(WriteAheadLog wal, int segments)
    {
        int before = wal.Waiting.Segments;
        for (int segment = 1; segment <= segments; segment++)
        {
            await wal.AppendAsync(Noise(before + segment), 1, []);
            await Eventually.BeTrueAsync("a sealed segment", () => Task.FromResult(wal.Waiting.Segments == before + segment));
        }
    }

    private static byte[] Noise(int seed)
    {
        byte[] noise = new byte[SegmentBytes - 200];
        new Random(seed).NextBytes(noise);
        return noise;
    }
}
