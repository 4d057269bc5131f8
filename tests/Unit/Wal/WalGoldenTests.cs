using Google.Protobuf;
using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

public sealed class WalGoldenTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public static TheoryData<string> Versions => [.. GoldenFiles.Versions];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task The_log_of_an_older_version_goes_on(string version)
    {
        await GoldenFiles.UnpackAsync(version, _directory.Path);
        var options = new WalOptions { Directory = Path.Combine(_directory.Path, "wal") };

        await using WriteAheadLog wal = WriteAheadLog.Open(options, TimeProvider.System, NullLogger.Instance);
        WalCursor cursor = wal.OpenCursor("clickhouse", CursorClaim.Required);
        SealedSegment next = await cursor.NextAsync(TestContext.Current.CancellationToken);

        Assert.NotEqual(0UL, cursor.Position);
        Assert.Equal(wal.NewestAtOpen, next.Number);
        WalRecord record = Assert.Single(WalReader.Read(next.Path, next.Bytes)!.Records);
        byte[] request = new byte[record.RequestBytes];
        record.CopyRequestTo(request);
        Assert.Equal(GoldenFiles.InLog.ToByteArray(), request);
        Assert.Equal(2, record.SpanCount);
    }
}
