using System.Buffers.Binary;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace TraceStore.Storage.Wal;

/// <summary>A request that the log has taken.</summary>
internal readonly record struct TakenRequest(UInt128 Hash, ulong ReceiveTimeUnixNano);

/// <summary>
/// Which requests the log took in the last ten minutes, on disk: the segments themselves are gone as soon as they are
/// stored, and a restart must still know a resend. Written before a segment is let go of, and every few seconds, so that a
/// restart need not read many segments for it; a new file every minute. The layout is drawn in FORMAT.md. Any thread may call it.
/// </summary>
internal sealed class ResendJournal(string directory, ulong wal, TimeProvider time, ILogger log) : IDisposable
{
    private const string Extension = ".taken";
    private const int Version = 1;
    private const int HeaderBytes = 16;
    private const int GroupHeaderBytes = 16;
    private const int EntryBytes = 24;

    private static readonly TimeSpan s_fileAge = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Queue<(string Path, long Finished)> _finished = [];
    private readonly List<TakenRequest> _unwritten = [];
    private ulong? _oldestUnwritten;
    private ulong _newestNoted;
    private long _written = time.GetTimestamp();
    private FileStream? _file;
    private long _created;

    private static ReadOnlySpan<byte> Magic => "TSRJ"u8;

    /// <summary>Reads what the journal knows of a log, and through which segment it knows everything.</summary>
    public static (IReadOnlyList<TakenRequest> Requests, ulong Through) Read(string directory, ulong wal)
    {
        List<TakenRequest> requests = [];
        ulong through = 0;
        foreach (string path in FilesIn(directory))
        {
            ReadOnlySpan<byte> file = File.ReadAllBytes(path);
            bool isOurs = file.Length >= HeaderBytes
                && file.StartsWith(Magic)
                && BinaryPrimitives.ReadInt32LittleEndian(file[4..]) == Version
                && BinaryPrimitives.ReadUInt64LittleEndian(file[8..]) == wal;
            if (!isOurs) continue;
            for (file = file[HeaderBytes..]; TryReadGroup(ref file, out ulong segment, out ReadOnlySpan<byte> entries);)
            {
                through = Math.Max(through, segment);
                for (; entries.Length > 0; entries = entries[EntryBytes..])
                {
                    requests.Add(new TakenRequest(BinaryPrimitives.ReadUInt128LittleEndian(entries[8..]), BinaryPrimitives.ReadUInt64LittleEndian(entries)));
                }
            }
        }

        return (requests, through);
    }

    /// <summary>Takes over the files of earlier processes, which go when they are too old, and what they hadn't written yet.</summary>
    /// <param name="newest">The newest segment that they left.</param>
    /// <param name="unjournaled">What only their segments know.</param>
    public void Adopt(ulong newest, IReadOnlyList<TakenRequest> unjournaled)
    {
        _unwritten.AddRange(unjournaled);
        _newestNoted = newest;
        if (unjournaled.Count > 0) _oldestUnwritten = 0;
        foreach (string path in FilesIn(directory)) _finished.Enqueue((path, time.GetTimestamp()));
    }

    /// <summary>Notes the requests of a segment that is sealed, from when on it may be let go of.</summary>
    public void Note(ulong segment, IReadOnlyList<TakenRequest> requests)
    {
        lock (_lock)
        {
            _unwritten.AddRange(requests);
            _oldestUnwritten ??= segment;
            _newestNoted = segment;
            if (time.GetElapsedTime(_written) >= s_patience) Write();
        }
    }

    /// <summary>Makes durable what is noted of segments up to this one: they are about to be let go of.</summary>
    public void KeepThrough(ulong segment)
    {
        lock (_lock)
        {
            if (_oldestUnwritten <= segment) Write();
        }
    }

    public void Dispose() => _file?.Dispose();

    /// <summary>Where this fails, what is noted is written with the next; a restart in between doesn't know its resends.</summary>
    private void Write()
    {
        try
        {
            FileStream file = CurrentFile(_newestNoted);
            file.Write(Encode(_newestNoted, _unwritten));
            file.Flush();
            DirectorySync.SyncFile(file.SafeFileHandle);
            _written = time.GetTimestamp();
            _oldestUnwritten = null;
            _unwritten.Clear();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Finish(); // what follows a torn group isn't read
            log.LogWarning("The journal of requests can't be written; should TraceStore be started again now, requests that are sent again may be stored again. {Cause}", e.Message);
        }
    }

    private FileStream CurrentFile(ulong segment)
    {
        if (_file is not null && time.GetElapsedTime(_created) < s_fileAge) return _file;

        Finish();
        while (_finished.TryPeek(out var oldest) && time.GetElapsedTime(oldest.Finished) > ResendWindow.Length)
        {
            File.Delete(oldest.Path);
            _finished.Dequeue();
        }

        byte[] header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(8), wal);
        _file = new FileStream(Path.Combine(directory, segment.ToString("D20", CultureInfo.InvariantCulture) + Extension), FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        _created = time.GetTimestamp();
        _file.Write(header);
        DirectorySync.Sync(directory);
        return _file;
    }

    private static byte[] Encode(ulong segment, List<TakenRequest> requests)
    {
        byte[] group = new byte[GroupHeaderBytes + (requests.Count * EntryBytes)];
        BinaryPrimitives.WriteUInt64LittleEndian(group, segment);
        BinaryPrimitives.WriteInt32LittleEndian(group.AsSpan(8), requests.Count);
        Span<byte> entries = group.AsSpan(GroupHeaderBytes);
        foreach (TakenRequest request in requests)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(entries, request.ReceiveTimeUnixNano);
            BinaryPrimitives.WriteUInt128LittleEndian(entries[8..], request.Hash);
            entries = entries[EntryBytes..];
        }

        BinaryPrimitives.WriteUInt32LittleEndian(group.AsSpan(12), Crc32C.Of(group.AsSpan(0, 12), group.AsSpan(GroupHeaderBytes)));
        return group;
    }

    private void Finish()
    {
        if (_file is null) return;
        _finished.Enqueue((_file.Name, time.GetTimestamp()));
        _file.Dispose();
        _file = null;
    }

    private static bool TryReadGroup(ref ReadOnlySpan<byte> file, out ulong segment, out ReadOnlySpan<byte> entries)
    {
        segment = 0;
        entries = default;
        if (file.Length < GroupHeaderBytes) return false;
        long entryBytes = BinaryPrimitives.ReadInt32LittleEndian(file[8..]) * (long)EntryBytes;
        if (entryBytes < 0 || entryBytes > file.Length - GroupHeaderBytes) return false;

        segment = BinaryPrimitives.ReadUInt64LittleEndian(file);
        entries = file.Slice(GroupHeaderBytes, (int)entryBytes);
        if (BinaryPrimitives.ReadUInt32LittleEndian(file[12..]) != Crc32C.Of(file[..12], entries)) return false;
        file = file[(GroupHeaderBytes + (int)entryBytes)..];
        return true;
    }

    private static IEnumerable<string> FilesIn(string directory) => Directory.EnumerateFiles(directory, "*" + Extension).Order(StringComparer.Ordinal);
}
