using System.Security.Cryptography;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>Decrypts while it is read: nothing is given that wasn't authenticated.</summary>
/// <param name="source">The object.</param>
/// <param name="encrypted">Its chunks, from one on.</param>
/// <param name="firstChunk">Which.</param>
/// <param name="chunks">How many the object has.</param>
/// <param name="skip">Bytes of the first chunk that aren't asked for.</param>
/// <param name="length">Bytes that are.</param>
internal sealed class DecryptingStream(EncryptedObject source, Stream encrypted, long firstChunk, long chunks, int skip, long length) : ReadStream
{
    private readonly byte[] _plain = new byte[EncryptedObject.ChunkBytes];
    private readonly byte[] _chunk = new byte[EncryptedObject.ChunkBytes + EncryptedObject.TagBytes];
    private ReadOnlyMemory<byte> _ready;
    private long _next = firstChunk;
    private long _left = length;
    private bool _hasBegun = length == 0 && (firstChunk > 0 || skip > 0); // behind the end; but of an empty object the one chunk is looked at

    public override long Length { get; } = length;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_left == 0 && _hasBegun) return 0;
        if (_ready.IsEmpty) await DecryptNextAsync(cancellationToken).ConfigureAwait(false);
        int read = (int)Math.Min(Math.Min(buffer.Length, _ready.Length), _left);
        _ready[..read].CopyTo(buffer);
        _ready = _ready[read..];
        _left -= read;
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            encrypted.Dispose();
            source.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task DecryptNextAsync(CancellationToken cancellation)
    {
        bool isLast = _next == chunks - 1;
        int bytes = await encrypted.ReadAtLeastAsync(_chunk, _chunk.Length, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        if (bytes < EncryptedObject.TagBytes || (!isLast && bytes < _chunk.Length)) throw new ObjectDamagedException($"{source.Name} ends within chunk {_next} of {chunks}.");
        try
        {
            source.Decrypt(_next, isLast, _chunk.AsSpan(0, bytes), _plain);
        }
        catch (CryptographicException e)
        {
            throw new ObjectDamagedException($"{source.Name} is damaged or was tampered with: chunk {_next} of {chunks} isn't what was encrypted.", e);
        }

        int skipped = _hasBegun ? 0 : skip;
        (_next, _hasBegun) = (_next + 1, true);
        _ready = _plain.AsMemory(skipped, bytes - EncryptedObject.TagBytes - skipped);
    }
}
