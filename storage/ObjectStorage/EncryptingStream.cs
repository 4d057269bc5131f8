namespace TraceStore.Storage.ObjectStorage;

/// <summary>Encrypts while it is read.</summary>
internal sealed class EncryptingStream(EncryptedObject target, Stream plain, long length) : ReadStream
{
    private readonly byte[] _plain = new byte[EncryptedObject.ChunkBytes];
    private readonly byte[] _chunk = new byte[EncryptedObject.ChunkBytes + EncryptedObject.TagBytes];
    private ReadOnlyMemory<byte> _ready = target.Header;
    private long _next;

    public override long Length => throw new NotSupportedException();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ready.IsEmpty && _next < EncryptedObject.Chunks(length))
        {
            bool isLast = _next == EncryptedObject.Chunks(length) - 1;
            int bytes = isLast ? (int)(length - (_next * EncryptedObject.ChunkBytes)) : EncryptedObject.ChunkBytes;
            await plain.ReadExactlyAsync(_plain.AsMemory(0, bytes), cancellationToken).ConfigureAwait(false);
            target.Encrypt(_next++, isLast, _plain.AsSpan(0, bytes), _chunk);
            _ready = _chunk.AsMemory(0, bytes + EncryptedObject.TagBytes);
        }

        int read = Math.Min(buffer.Length, _ready.Length);
        _ready[..read].CopyTo(buffer);
        _ready = _ready[read..];
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) plain.Dispose();
        base.Dispose(disposing);
    }
}
