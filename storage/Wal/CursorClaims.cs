using Microsoft.Extensions.Logging;

namespace TraceStore.Storage.Wal;

/// <summary>The cursors of a log, and so what it must keep: what any of them with a claim hasn't got. Any thread may call it.</summary>
internal sealed class CursorClaims(SegmentFiles files, ResendJournal journal, WalOptions options, ILogger log)
{
    private readonly Lock _lock = new();
    private readonly List<(string Sink, WalCursor Cursor)> _cursors = [];

    /// <summary>Opens a sink's cursor; from now on its claim counts. All are opened before any advances.</summary>
    public WalCursor Open(string sink, ulong wal, ulong newestAtOpen, CursorClaim claim)
    {
        var cursor = WalCursor.Open(options.Directory, sink, wal, newestAtOpen, claim, files, Settle);
        lock (_lock)
        {
            _cursors.Add((sink, cursor));
            files.NoteReleased(ReleasedThrough()); // nothing is deleted yet: the next cursor may need it
        }

        return cursor;
    }

    /// <summary>Takes the claim from optional cursors that hold too much, and releases what no claim holds.</summary>
    public void Settle()
    {
        lock (_lock)
        {
            if (_cursors.Count == 0) return;
            foreach ((string sink, WalCursor cursor) in _cursors)
            {
                if (cursor.Claim == CursorClaim.Required || cursor.IsLost || cursor.Backlog.Bytes <= options.MaxOptionalBytes) continue;
                cursor.Lose();
                log.LogWarning(
                    "{Sink} is {Bytes} MiB behind and no longer holds up the write-ahead log: it must be repaired when it is back.",
                    sink, cursor.Backlog.Bytes >> 20);
            }

            ulong released = ReleasedThrough();
            journal.KeepThrough(released);
            files.ReleaseThrough(released);
        }
    }

    private ulong ReleasedThrough() => _cursors.Where(other => !other.Cursor.IsLost).Select(other => other.Cursor.Position).DefaultIfEmpty().Min();
}
