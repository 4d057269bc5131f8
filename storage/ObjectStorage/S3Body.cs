using System.Runtime.InteropServices;

namespace TraceStore.Storage.ObjectStorage;

/// <summary>A request's body, in memory: each read of it is progress.</summary>
internal sealed class S3Body : Stream
{
    private readonly MemoryStream _bytes;
    private readonly S3Calls.Progress _progress;

    public S3Body(ReadOnlyMemory<byte> bytes, S3Calls.Progress progress)
    {
        ArraySegment<byte> array = MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> there) ? there : bytes.ToArray();
        (_bytes, _progress) = (new MemoryStream(array.Array!, array.Offset, array.Count, writable: false), progress);
    }

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => _bytes.Length;

    public override long Position { get => _bytes.Position; set => _bytes.Position = value; }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        _progress.Note();
        return _bytes.Read(buffer);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => Task.FromResult(Read(buffer.AsSpan(offset, count)));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));

    public override long Seek(long offset, SeekOrigin origin) => _bytes.Seek(offset, origin);

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
