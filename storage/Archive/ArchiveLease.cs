using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Archive;

/// <summary>Somebody else writes to the archive, or it is somebody else's: nothing may be written. The message says what to do.</summary>
public sealed class ArchiveNotOursException(string message) : IOException(message);

/// <summary>
/// The right to write to an archive, as its head says. Time is the store's, which all that may want to write share. For one caller at a time.
/// <list type="number">
/// <item>Read the head, and see whether the lease can be had: from nobody, from a process of the same data directory, which is gone, or from one
/// whose time is up and which this directory was restored from.</item>
/// <item>Take it, by compare-and-swap against what was read. A log or directory that isn't the last writer's begins a new epoch.</item>
/// <item>Renew it, each time against what was there: who lost it learns so.</item>
/// <item>Release it, so that the next needn't wait.</item>
/// </list>
/// </summary>
public sealed class ArchiveLease(IObjectStore store, string dataDirectory, ulong log, ArchiveOptions options)
{
    private readonly Guid _process = Guid.NewGuid();
    private ArchiveHead? _head;
    private ObjectVersion? _version;

    /// <summary>The archive's identity. Only while the lease is held.</summary>
    public Guid Lineage => Held.Lineage;

    /// <summary>The epoch in which this writer writes.</summary>
    public ArchiveEpoch Current => Held.Current;

    /// <summary>How far the epoch was archived when the head was last written.</summary>
    public ArchiveFrontier Frontier => Held.Frontier;

    /// <summary>When it ends if it isn't renewed, by the store's clock.</summary>
    public DateTimeOffset Until => Held.Writer!.Until;

    /// <summary>Whether it was taken and not lost.</summary>
    public bool IsHeld => _head is not null;

    /// <summary>When it is to be renewed, by the store's clock.</summary>
    public bool IsRenewalDue => store.Now >= Held.Writer!.Until - options.Lease + options.RenewEvery;

    private ArchiveHead Held => _head ?? throw new InvalidOperationException("BUG: the archive's lease isn't held.");

    /// <summary>1: the head that is there; null where the archive is to begin.</summary>
    /// <exception cref="ArchiveNotOursException">The lease can't be had.</exception>
    /// <exception cref="ObjectStoreException">The store can't be reached.</exception>
    public async Task<ArchiveHead?> ReadAsync(CancellationToken cancellation)
    {
        ArchiveIdentity identity = ArchiveIdentity.Of(dataDirectory);
        StoredObject? stored = await store.GetAsync(ArchiveNames.Head, cancellation).ConfigureAwait(false);
        ArchiveHead? found = stored is null ? null : ArchiveHead.Decode(store, stored.Content.Span);
        if (WhyNot(found, identity) is { } refusal) throw new ArchiveNotOursException(refusal);
        (_head, _version) = (null, stored?.Version);
        return found;
    }

    /// <summary>Whether who takes the lease goes on in the epoch that is there.</summary>
    public bool GoesOn(ArchiveHead found) => found.Current.Log == log && found.Writer?.Directory == ArchiveIdentity.Of(dataDirectory).Directory;

    /// <summary>2: takes it.</summary>
    /// <param name="found">What was read.</param>
    /// <param name="end">How far the epoch that is there really goes.</param>
    /// <param name="firstSegment">Where the log begins in a new epoch.</param>
    /// <param name="began">When it began to receive that, by this machine's clock.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ArchiveNotOursException">Somebody else was faster.</exception>
    /// <exception cref="ObjectStoreException">The store can't be reached.</exception>
    public async Task TakeAsync(ArchiveHead? found, ArchiveFrontier? end, ulong firstSegment, DateTimeOffset began, CancellationToken cancellation)
    {
        // First: whatever crash comes, the archive is known to be ours
        ArchiveIdentity identity = ArchiveIdentity.Change(dataDirectory, identity => found is null && identity.Lineage is null ? identity with { Lineage = Guid.NewGuid() } : identity);
        var writer = new ArchiveWriter(_process, identity.Directory, Environment.MachineName, store.Now + options.Lease);
        ArchiveHead taken;
        if (found is null)
        {
            taken = new ArchiveHead(ArchiveHead.NewestFormat, identity.Lineage!.Value, [new ArchiveEpoch(1, log, firstSegment, began, From: null)], writer, ArchiveFrontier.Before(firstSegment), Revision: 1);
        }
        else if (GoesOn(found))
        {
            taken = found with { Writer = writer, Frontier = end ?? found.Frontier, Revision = found.Revision + 1 };
        }
        else
        {
            // Whatever an old writer still does has other names.
            ArchiveEpoch ended = found.Current with { End = end ?? found.Frontier };
            var epoch = new ArchiveEpoch(ended.Number + 1, log, firstSegment, began, identity.Restored ?? new ArchiveOrigin(ended.Number, ended.End, Until: null));
            taken = found with { Epochs = [.. found.Epochs.SkipLast(1), ended, epoch], Writer = writer, Frontier = ArchiveFrontier.Before(firstSegment), Revision = found.Revision + 1 };
        }

        await WriteAsync(taken, _version, cancellation).ConfigureAwait(false);
        ArchiveIdentity.Change(dataDirectory, identity => identity with { IsBegun = true, Restored = null });
    }

    /// <summary>3: renews it, and says how far the archive goes.</summary>
    /// <exception cref="ArchiveNotOursException">It is lost.</exception>
    /// <exception cref="ObjectStoreException">The store can't be reached.</exception>
    public Task RenewAsync(ArchiveFrontier frontier, CancellationToken cancellation) =>
        WriteAsync(Held with { Writer = Held.Writer! with { Until = store.Now + options.Lease }, Frontier = frontier, Revision = Held.Revision + 1 }, _version, cancellation);

    /// <summary>And says what will be kept no longer.</summary>
    /// <exception cref="ArchiveNotOursException">It is lost.</exception>
    /// <exception cref="ObjectStoreException">The store can't be reached.</exception>
    public Task TrimAsync(ArchiveTrim trim, ArchiveFrontier frontier, CancellationToken cancellation) =>
        WriteAsync(Held with { Writer = Held.Writer! with { Until = store.Now + options.Lease }, Frontier = frontier, Trim = trim, Revision = Held.Revision + 1 }, _version, cancellation);

    /// <summary>4: releases it, and says how far the archive goes.</summary>
    /// <exception cref="ArchiveNotOursException">It is lost.</exception>
    /// <exception cref="ObjectStoreException">The store can't be reached.</exception>
    public async Task ReleaseAsync(ArchiveFrontier frontier, CancellationToken cancellation)
    {
        await WriteAsync(Held with { Writer = Held.Writer! with { Until = store.Now }, Frontier = frontier, Revision = Held.Revision + 1 }, _version, cancellation).ConfigureAwait(false);
        _head = null;
    }

    private string? WhyNot(ArchiveHead? found, ArchiveIdentity identity)
    {
        if (found is null)
        {
            return identity.IsBegun
                ? $"{store.Address} is empty, though this data directory was archived there (lineage {identity.Lineage}). Is it not mounted, or was it deleted? To begin a new archive there, delete archive.json in the data directory."
                : null;
        }

        if (identity.Lineage != found.Lineage)
        {
            return identity.Lineage is { } other
                ? $"{store.Address} holds the archive of another TraceStore (lineage {found.Lineage}; this data directory's is {other}). Correct Archive:Url."
                : $"{store.Address} holds the archive of another TraceStore (lineage {found.Lineage}, last written by {found.Writer?.Host}). To have what is in it: tracestore restore. To archive this one: choose another place with Archive:Url.";
        }

        if (found.Writer is not { } writer) return null;
        bool isSameDirectory = writer.Directory == identity.Directory;
        if (!isSameDirectory && identity.Restored is null)
        {
            return $"The archive in {store.Address} has gone on without this data directory: {writer.Host} was restored from it, and writes epoch {found.Current.Number}. What this one has received since is in none of its instants. Stop this one, or give it an archive of its own: delete archive.json in the data directory and choose another place with Archive:Url.";
        }

        // Of the same directory on the same machine, the system's lock on the directory has seen to it that the last process is gone.
        bool mayBeAlive = writer.Until > store.Now && (!isSameDirectory || writer.Host != Environment.MachineName);
        return mayBeAlive ? $"{writer.Host} archives to {store.Address} until {writer.Until:u} at least. Two can't: stop one, or choose another place with Archive:Url." : null;
    }

    private async Task WriteAsync(ArchiveHead head, ObjectVersion? expected, CancellationToken cancellation)
    {
        ObjectVersion? version = await store.ReplaceAsync(ArchiveNames.Head, head.Encode(), expected, cancellation).ConfigureAwait(false);
        if (version is null)
        {
            _head = null;
            throw new ArchiveNotOursException($"Another TraceStore has taken the archive in {store.Address}. Two can't write to it: stop one, or choose another place with Archive:Url.");
        }

        (_head, _version) = (head, version);
    }
}
