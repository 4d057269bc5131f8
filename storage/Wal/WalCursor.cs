using System.Buffers.Binary;

namespace TraceStore.Storage.Wal;

/// <summary>What a sink may ask of the log.</summary>
public enum CursorClaim
{
    /// <summary>Nothing is deleted before the sink holds it: rather, the full log refuses appends.</summary>
    Required,

    /// <summary>A sink that falls too far behind loses its claim, so that a dead replica never stops ingest.</summary>
    Optional,
}

/// <summary>
/// How far one sink has followed the log, durably. The layout is drawn in FORMAT.md. <see cref="Advance"/> and
/// <see cref="NextAsync(CancellationToken)"/> are called by one thread at a time, the sink's.
/// </summary>
public sealed class WalCursor
{
    private const string Extension = ".cursor";
    private const int Version = 3;
    private const int OldestVersion = 1;
    private const int FileBytes = 40;
    private const int SecondFileBytes = 32;
    private const int OldestFileBytes = 28;
    private const uint LostFlag = 1;
    private const uint AllNotedFlag = 2;

    private readonly string _path;
    private readonly ulong _wal;
    private readonly SegmentFiles _files;
    private readonly Action _moved;
    private readonly Lock _lock = new();
    private readonly ulong _newestAtOpen;
    private State _state;
    private ulong _inDoubtThrough;

    private WalCursor(string path, ulong wal, ulong newestAtOpen, CursorClaim claim, SegmentFiles files, Action moved)
    {
        (_path, _wal, _newestAtOpen, Claim, _files, _moved) = (path, wal, newestAtOpen, claim, files, moved);
        _state = File.Exists(path) ? Read(path, wal) : default;
        _inDoubtThrough = _state.IsAllNoted ? 0 : newestAtOpen;
    }

    public CursorClaim Claim { get; }

    /// <summary>The last segment that the sink holds durably; 0 when it holds none.</summary>
    public ulong Position
    {
        get
        {
            lock (_lock) return _state.Position;
        }
    }

    /// <summary>
    /// Whether the sink fell so far behind that segments it doesn't hold are gone from the log: it must be repaired from
    /// elsewhere, and says with <see cref="Repaired"/> how far it then holds everything.
    /// </summary>
    public bool IsLost
    {
        get
        {
            lock (_lock) return _state.IsLost;
        }
    }

    /// <summary>
    /// Where a range of segments ends that begins behind the position, and that the sink may hold, all of it or nothing:
    /// it must be tried again as it is. Null where there is none.
    /// </summary>
    public ulong? TriedThrough
    {
        get
        {
            lock (_lock) return _state.TriedThrough > _state.Position ? _state.TriedThrough : null;
        }
    }

    /// <summary>
    /// Behind the position and up to here the sink may hold any segment: a range was parted, or the cursor is lost, or from
    /// before all that is tried was noted. What is behind this, and isn't noted, the sink was never given.
    /// </summary>
    public ulong InDoubtThrough
    {
        get
        {
            lock (_lock) return _inDoubtThrough;
        }
    }

    /// <summary>Somebody else has given the sink some of this log: what an earlier process left may be there, whatever the cursor says.</summary>
    public void DoubtWhatIsLeft()
    {
        lock (_lock) _inDoubtThrough = _newestAtOpen;
    }

    /// <summary>What the sink has still to store.</summary>
    public WalBacklog Backlog => _files.Behind(Position);

    private static ReadOnlySpan<byte> Magic => "TSCU"u8;

    /// <summary>
    /// Opens a sink's cursor. One that isn't there, is damaged or belongs to another log starts at 0: the sink looks at
    /// every segment again and finds what it has.
    /// </summary>
    internal static WalCursor Open(string directory, string sink, ulong wal, ulong newestAtOpen, CursorClaim claim, SegmentFiles files, Action moved) =>
        new(Path.Combine(directory, sink + Extension), wal, newestAtOpen, claim, files, moved);

    /// <summary>The furthest that any sink has been given of a log.</summary>
    internal static ulong HighestIn(string directory, ulong wal) =>
        Directory.EnumerateFiles(directory, "*" + Extension).Select(path => Read(path, wal)).Select(state => Math.Max(state.Position, state.TriedThrough)).DefaultIfEmpty().Max();

    /// <summary>The position of the sink that is furthest behind of those that the log keeps segments for; null where there is none.</summary>
    internal static ulong? LowestIn(string directory, ulong wal) =>
        Directory.EnumerateFiles(directory, "*" + Extension).Select(path => Read(path, wal)).Where(state => !state.IsLost).Select(state => (ulong?)state.Position).Min();

    /// <summary>A sink that there no longer is: the log keeps nothing for it. Before the log is opened.</summary>
    public static void Forget(string directory, string sink)
    {
        if (Directory.Exists(directory)) File.Delete(Path.Combine(directory, sink + Extension));
    }

    /// <summary>Waits for the first sealed segment behind the position.</summary>
    public Task<SealedSegment> NextAsync(CancellationToken cancellation) => NextAsync(Position, cancellation);

    /// <summary>Waits for the first sealed segment behind another.</summary>
    public Task<SealedSegment> NextAsync(ulong behind, CancellationToken cancellation) => _files.NextSealedAsync(behind, cancellation);

    /// <summary>The first sealed segment behind another, if there is one yet.</summary>
    public SealedSegment? SealedBehind(ulong segment) => _files.SealedBehind(segment);

    /// <summary>The sink will be given the segments through this one, all at once: notes it, durably, before it is.</summary>
    public void NoteTried(ulong through) => Change(state => state with { TriedThrough = through });

    /// <summary>The sink won't be given the range that was tried again as it is, but segment by segment, of which it may hold any: notes it, durably.</summary>
    public void PartTried() => Change(state =>
    {
        _inDoubtThrough = Math.Max(_inDoubtThrough, state.TriedThrough);
        return state with { TriedThrough = 0 };
    });

    /// <summary>The sink holds the segments through this one: moves there, durably, and lets the log go of what nobody needs.</summary>
    public void Advance(ulong segment)
    {
        Change(state => state with { Position = segment });
        _moved();
    }

    /// <summary>A lost sink holds everything through a segment again, from elsewhere: it follows the log from there on.</summary>
    public void Repaired(ulong segment)
    {
        Change(state => state with { Position = segment, IsLost = false, TriedThrough = 0 });
        _moved();
    }

    /// <summary>The log no longer keeps what the sink hasn't got.</summary>
    internal void Lose() => Change(state => state with { IsLost = true });

    private void Change(Func<State, State> change)
    {
        lock (_lock)
        {
            State changed = change(_state);
            changed = changed with { IsAllNoted = changed.Position >= _inDoubtThrough };
            Write(changed);
            _state = changed;
        }
    }

    private void Write(State state)
    {
        byte[] file = new byte[FileBytes];
        Magic.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(8), _wal);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(16), state.Position);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(24), (state.IsLost ? LostFlag : 0) | (state.IsAllNoted ? AllNotedFlag : 0));
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(28), state.TriedThrough);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(FileBytes - sizeof(uint)), Crc32C.Of(file.AsSpan(0, FileBytes - sizeof(uint))));
        DurableFile.Replace(_path, file);
    }

    private static State Read(string path, ulong wal)
    {
        ReadOnlySpan<byte> file = File.ReadAllBytes(path);
        bool isOurs = file.Length is FileBytes or SecondFileBytes or OldestFileBytes
            && file.StartsWith(Magic)
            && BinaryPrimitives.ReadInt32LittleEndian(file[4..]) is >= OldestVersion and <= Version
            && BinaryPrimitives.ReadUInt64LittleEndian(file[8..]) == wal
            && BinaryPrimitives.ReadUInt32LittleEndian(file[^sizeof(uint)..]) == Crc32C.Of(file[..^sizeof(uint)]);
        if (!isOurs) return default;
        uint flags = file.Length > OldestFileBytes ? BinaryPrimitives.ReadUInt32LittleEndian(file[24..]) : 0;
        ulong triedThrough = file.Length == FileBytes ? BinaryPrimitives.ReadUInt64LittleEndian(file[28..]) : 0;
        return new State(BinaryPrimitives.ReadUInt64LittleEndian(file[16..]), (flags & LostFlag) != 0, triedThrough, (flags & AllNotedFlag) != 0);
    }

    private readonly record struct State(ulong Position, bool IsLost, ulong TriedThrough, bool IsAllNoted);
}
