using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>Reads an answer in Native format as it comes: block by block into columns, so that it is never held as a whole.</summary>
internal sealed class NativeBlockStream(Stream answer, IReadOnlyDictionary<string, (string Type, Column Column)> columns) : IDisposable
{
    private const int FirstBytes = 64 << 10;

    private byte[] _buffer = ByteBuffers.Rent(FirstBytes);
    private int _length;

    /// <summary>A block is measured anew only when so much is here: else a large one would be measured at every packet.</summary>
    private int _measureAt;

    /// <summary>Reads some more, and appends the blocks that are whole by now.</summary>
    /// <returns>How many bytes have come; 0 at the end.</returns>
    /// <exception cref="InvalidDataException">The bytes are no Native blocks, or of other columns or types.</exception>
    public async ValueTask<int> ReadAsync(CancellationToken cancellation)
    {
        if (_length == _buffer.Length) Grow();
        int read = await answer.ReadAsync(_buffer.AsMemory(_length), cancellation).ConfigureAwait(false);
        _length += read;
        if (read == 0)
        {
            NativeBlockReader.ReadAll(_buffer.AsSpan(0, _length), columns);
            _length = 0;
        }
        else if (_length >= _measureAt)
        {
            TakeWhole();
        }

        return read;
    }

    public void Dispose()
    {
        ByteBuffers.Return(_buffer);
        answer.Dispose();
    }

    private void TakeWhole()
    {
        int whole = NativeBlockReader.MeasureWhole(_buffer.AsSpan(0, _length), columns);
        NativeBlockReader.ReadAll(_buffer.AsSpan(0, whole), columns);
        _length -= whole;
        _buffer.AsSpan(whole, _length).CopyTo(_buffer);
        _measureAt = 2 * _length;
    }

    private void Grow()
    {
        byte[] larger = ByteBuffers.Rent(checked(2 * _buffer.Length));
        _buffer.CopyTo(larger, 0);
        ByteBuffers.Return(_buffer);
        _buffer = larger;
    }
}
