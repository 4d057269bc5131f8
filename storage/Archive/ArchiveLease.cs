using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Storage.Archive;

/// <summary>Somebody else writes to the archive, or it is somebody else's: nothing may be written. The message says what to do.</summary>
public sealed class ArchiveNotOursException(string message) : IOException(message);

/// <summary>
/// The right to write to an archive, as its head says. Time is the store's, which all that may want to write share. For one caller at a time.
/// <list type="number">
/// <item>Take it: from nobody, from a process of the same data directory, which is gone, or from one whose time is up. A log or directory that
/// isn't the last writer's begins a new epoch.</item>
/// <item>Renew it, each time by compare-and-swap against what was there: who lost it learns so.</item>
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

    /// <summary>Whether it was taken and not lost.</summary>
    public bool IsHeld => _head is not null;

    /// <summary>When it is to be renewed, by the store's clock.</summary>
    public bool IsRenewalDue => store.Now >= Held.Writer!.Until - options.Lease + options.RenewEvery;

    private ArchiveHead Held => _head ?? throw new InvalidOperationException("BUG: the archive's lease isn't held.");

    /// <summary>1: takes it.</summary>
    /// <param name="firstSegment">Where the log would begin in a new epoch.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="ArchiveNotOursException">It can't be had.</exception>
    /// <exception cref="ObjectStoreException">The store can't be reached.</exception>
    public async Task TakeAsync(ulong firstSegment, CancellationToken cancellation)
    {
        ArchiveIdentity identity = ArchiveIdentity.Of(dataDirectory);
        StoredObject? stored = await store.GetAsync(ArchiveNames.Head, cancellation).ConfigureAwait(false);
        ArchiveHead? found = stored is null ? null : ArchiveHead.Decode(store, stored.Content.Span);
        if (WhyNot(found, identity) is { } refusal) throw new ArchiveNotOursException(refusal);

        var writer = new ArchiveWriter(_process, identity.Directory, Environment.MachineName, store.Now + options.Lease);
        if (found is null && identity.Lineage is null) identity = (identity with { Lineage = Guid.NewGuid() }).Save(dataDirectory); // first: whatever crash comes, the archive is known to be ours
        await WriteAsync(found is null ? Begin(identity, writer, firstSegment) : Continue(found, identity, writer, firstSegment), stored?.Version, cancellation).ConfigureAwait(false);
        if (!identity.IsBegun || identity.Restored is not null) (identity with { IsBegun = true, Restored = null }).Save(dataDirectory);
    }

    /// <summary>2: renews it, and says how far the archive goes.</summary>
    /// <exception cref="ArchiveNotOursException">It is lost.</exception>
    /// <exception cref="ObjectStoreException">The store can't be reached.</exception>
    public Task RenewAsync(ArchiveFrontier frontier, CancellationToken cancellation) =>
        WriteAsync(Held with { Writer = Held.Writer! with { Until = store.Now + options.Lease }, Frontier = frontier, Revision = Held.Revision + 1 }, _version, cancellation);

    /// <summary>3: releases it, and says how far the archive goes.</summary>
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

        bool isHeldByOther = found.Writer is { } writer && writer.Directory != identity.Directory && writer.Until > store.Now;
        return isHeldByOther ? $"{found.Writer!.Host} archives to {store.Address} until {found.Writer.Until:u} at least. Two can't: stop one, or choose another place with Archive:Url." : null;
    }

    private ArchiveHead Begin(ArchiveIdentity identity, ArchiveWriter writer, ulong firstSegment) =>
        new(ArchiveHead.NewestFormat, identity.Lineage!.Value, [new ArchiveEpoch(1, log, firstSegment, store.Now, From: null)], writer, ArchiveFrontier.Before(firstSegment), Revision: 1);

    /// <summary>The same log of the same directory goes on in its epoch; any other begins one, so that whatever an old writer still does has other names.</summary>
    private ArchiveHead Continue(ArchiveHead found, ArchiveIdentity identity, ArchiveWriter writer, ulong firstSegment)
    {
        bool isSame = found.Current.Log == log && found.Writer?.Directory == writer.Directory;
        if (isSame) return found with { Writer = writer, Revision = found.Revision + 1 };
        var epoch = new ArchiveEpoch(found.Current.Number + 1, log, firstSegment, store.Now, identity.Restored ?? new ArchiveOrigin(found.Current.Number, found.Frontier, Until: null));
        return found with { Epochs = [.. found.Epochs, epoch], Writer = writer, Frontier = ArchiveFrontier.Before(firstSegment), Revision = found.Revision + 1 };
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
