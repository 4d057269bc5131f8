namespace TraceStore.Storage.ObjectStorage;

/// <summary>The rest of a file from where it stands, or so many bytes of it.</summary>
internal sealed class BoundedStream(FileStream file, long? most) : ReadStream
{
    private long _left = Math.Max(0, Math.Min(file.Length - file.Position, most ?? long.MaxValue));

    public override long Length { get; } = Math.Max(0, Math.Min(file.Length - file.Position, most ?? long.MaxValue));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await file.ReadAsync(buffer[..(int)Math.Min(buffer.Length, _left)], cancellationToken).ConfigureAwait(false);
        _left -= read;
        return read;
    }

    public override int Read(Span<byte> buffer)
    {
        int read = file.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
        _left -= read;
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) file.Dispose();
        base.Dispose(disposing);
    }
}
