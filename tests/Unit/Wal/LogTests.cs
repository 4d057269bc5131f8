using Microsoft.Extensions.Logging.Abstractions;
using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Wal;

/// <summary>A log in a folder of its own, opened as often as a test likes.</summary>
public abstract class LogTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    protected WalOptions Options => new() { Directory = Folder, MaxSegmentAge = TimeSpan.FromMilliseconds(10) };

    protected WalOptions OneSegment => Options with { MaxSegmentAge = TimeSpan.FromMinutes(1) };

    protected string Folder => _directory.Path;

    public void Dispose() => _directory.Dispose();

    protected WriteAheadLog Open() => Open(Options);

    protected static WriteAheadLog Open(WalOptions options) => WriteAheadLog.Open(options, TimeProvider.System, NullLogger.Instance);

    protected static WalCursor Sink(WriteAheadLog wal) => wal.OpenCursor("sink", CursorClaim.Required);

    protected static Task WaitingAsync(WriteAheadLog wal, int segments) =>
        Eventually.BeTrueAsync($"{segments} sealed segments", () => Task.FromResult(wal.Waiting.Segments == segments));

    protected string[] Segments() => [.. WalSegment.FilesIn(Folder)];

    protected List<WalSegmentContent> Read() => [.. Segments().Select(path => WalReader.Read(path)!)];

    protected static byte[] Request(WalRecord record)
    {
        byte[] request = new byte[record.RequestBytes];
        record.CopyRequestTo(request);
        return request;
    }
}
