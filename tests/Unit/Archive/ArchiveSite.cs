using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Testing;
using TraceStore.Storage.Archive;
using TraceStore.Storage.ObjectStorage;
using TraceStore.Storage.Wal;

namespace TraceStore.Tests.Unit.Archive;

/// <summary>A data directory with a log, and an archiver that follows it to a store.</summary>
internal sealed class ArchiveSite(string data, IObjectStore store) : IAsyncDisposable
{
    private static readonly ArchiveOptions s_options = new() { MaxDelay = TimeSpan.FromMilliseconds(20), RenewEvery = TimeSpan.FromMilliseconds(200), Lease = TimeSpan.FromMilliseconds(600) };

    private LogArchiver? _archiver;

    public WriteAheadLog Wal { get; private set; } = null!;

    public LogArchiver Archiver => _archiver!;

    /// <summary>A second sink that stores nothing, so that the log keeps its segments.</summary>
    public WalCursor Keeper { get; private set; } = null!;

    public FakeLogger<LogArchiver> Log { get; } = new();

    public string WalDirectory => Path.Combine(data, "wal");

    public long MaxOptionalBytes { get; init; } = 5L << 30;

    public TimeSpan Lease { get; init; } = s_options.Lease;

    public CursorClaim Claim { get; init; } = CursorClaim.Required;

    /// <param name="keeps">Whether the log keeps what is archived.</param>
    public ArchiveSite Start(bool keeps = true)
    {
        var options = new WalOptions { Directory = WalDirectory, MaxSegmentAge = TimeSpan.FromMilliseconds(10), MaxOptionalBytes = MaxOptionalBytes };
        Wal = WriteAheadLog.Open(options, TimeProvider.System, NullLogger.Instance);
        if (keeps) Keeper = Wal.OpenCursor("keeper", CursorClaim.Required);
        _archiver = new LogArchiver(store, Wal, Wal.OpenCursor("archive", Claim), data, s_options with { Lease = Lease }, Log);
        return this;
    }

    /// <summary>Appends requests whose content is told apart by a number.</summary>
    public async Task AppendAsync(int first, int count)
    {
        for (int i = first; i < first + count; i++) await Wal.AppendAsync(Request(i), 1, []);
    }

    public static byte[] Request(int number) => [.. BitConverter.GetBytes(number), .. new byte[100]];

    /// <summary>Until the archive has everything that was appended.</summary>
    public async Task UntilArchivedAsync() =>
        await Eventually.BeTrueAsync("the archive", () => Task.FromResult(!Wal.IsWriting && Archiver.Backlog.Segments == 0 && Archiver.Ailment is null));

    /// <summary>Ends as a clean stop does.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_archiver is null) return;
        await Wal.CompleteAsync();
        await Archiver.DrainAsync(TimeSpan.FromSeconds(10));
        await EndAsync();
    }

    /// <summary>Ends without waiting for the archive.</summary>
    public async Task EndAsync()
    {
        if (_archiver is null) return;
        await _archiver.DisposeAsync();
        _archiver = null;
        await Wal.DisposeAsync();
    }

    public static async Task<ArchiveHead> HeadAsync(IObjectStore store) => ArchiveHead.Decode(store, (await store.GetAsync(ArchiveNames.Head, default))!.Content.Span);

    /// <summary>All groups of the newest epoch, or of another.</summary>
    public static async Task<LogGroup[]> GroupsAsync(IObjectStore store, int epoch = -1)
    {
        ArchiveHead head = await HeadAsync(store);
        ArchiveEpoch chosen = epoch < 0 ? head.Current : head.Epochs[epoch];
        ulong frontier = epoch < 0 ? head.Frontier.Segment : head.Epochs[epoch + 1].From!.Frontier.Segment;
        return await new LogArchiveReader(store).ReadAsync(chosen.Number, chosen.First, frontier, default).ToArrayAsync();
    }

    /// <summary>The numbers of the requests in groups, in order.</summary>
    public static int[] RequestsIn(IEnumerable<LogGroup> groups) => [.. groups.SelectMany(group => group.Segments).SelectMany(segment => segment.Read("a segment")!.Records).Select(NumberOf)];

    /// <summary>The same of a log's folder.</summary>
    public static IEnumerable<int> RequestsIn(string walDirectory) => Directory.GetFiles(walDirectory, "*.wal").Order().SelectMany(path => WalReader.Read(path)!.Records).Select(NumberOf);

    private static int NumberOf(WalRecord record)
    {
        byte[] request = new byte[record.RequestBytes];
        record.CopyRequestTo(request);
        return BitConverter.ToInt32(request);
    }
}
