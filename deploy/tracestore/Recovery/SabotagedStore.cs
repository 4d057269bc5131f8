using System.Runtime.CompilerServices;
using TraceStore.Storage.ObjectStorage;

namespace TraceStore.Recovery;

/// <summary>A store as it would be if a byte of one object that a restore reads had rotted: to prove that a drill would see it. Nothing is written.</summary>
internal sealed class SabotagedStore(IObjectStore inner) : IObjectStore
{
    private readonly Lock _lock = new();

    /// <summary>The object whose content is wrong; null before one was read.</summary>
    public string? Victim { get; private set; }

    public string Address => inner.Address;

    public DateTimeOffset Now => inner.Now;

    public async Task<StoredObject?> GetAsync(string name, CancellationToken cancellation)
    {
        StoredObject? found = await inner.GetAsync(name, cancellation).ConfigureAwait(false);
        if (found is null || found.Content.Length == 0 || !IsVictim(name)) return found;
        byte[] content = found.Content.ToArray();
        content[content.Length / 2] ^= 1;
        return found with { Content = content };
    }

    public async Task<Stream?> OpenAsync(string name, long offset, long? length, CancellationToken cancellation)
    {
        Stream? found = await inner.OpenAsync(name, offset, length, cancellation).ConfigureAwait(false);
        return found is null || !IsVictim(name) ? found : new RottenStream(found);
    }

    public Task<ListedObject?> FindAsync(string name, CancellationToken cancellation) => inner.FindAsync(name, cancellation);

    public async IAsyncEnumerable<ListedObject> ListAsync(string prefix, string? behind, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (ListedObject found in inner.ListAsync(prefix, behind, cancellation).ConfigureAwait(false)) yield return found;
    }

    public Task<bool> CreateAsync(string name, ObjectContent content, CancellationToken cancellation) => throw new InvalidOperationException("BUG: a drill writes.");

    public Task<ObjectVersion?> ReplaceAsync(string name, ReadOnlyMemory<byte> content, ObjectVersion? expected, CancellationToken cancellation) => throw new InvalidOperationException("BUG: a drill writes.");

    public Task DeleteAsync(string name, CancellationToken cancellation) => throw new InvalidOperationException("BUG: a drill deletes.");

    public Task<int> TakeBackForgottenAsync(TimeSpan age, CancellationToken cancellation) => throw new InvalidOperationException("BUG: a drill deletes.");

    public ValueTask DisposeAsync() => default;

    /// <summary>The first object of a snapshot or of the log that is read, each time.</summary>
    private bool IsVictim(string name)
    {
        if (!name.StartsWith("packs/", StringComparison.Ordinal) && !name.StartsWith("log/", StringComparison.Ordinal)) return false;
        lock (_lock) return (Victim ??= name) == name;
    }

    /// <summary>A byte of it is wrong: the 600th, or the last of a shorter one.</summary>
    private sealed class RottenStream(Stream inner) : Stream
    {
        private const long At = 600;

        private long _read;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => inner.Length;

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            int read = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            Rot(buffer.Span[..read]);
            return read;
        }

        public override int Read(Span<byte> buffer)
        {
            int read = inner.Read(buffer);
            Rot(buffer[..read]);
            return read;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }

        private void Rot(Span<byte> content)
        {
            long at = Math.Min(At, inner.Length - 1) - _read;
            if (at >= 0 && at < content.Length) content[(int)at] ^= 1;
            _read += content.Length;
        }
    }
}
