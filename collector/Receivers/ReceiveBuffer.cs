using System.Buffers;
using TraceStore.Storage.Spans;

namespace TraceStore.Collector.Receivers;

/// <summary>A request's bytes in one piece, in memory that is taken as they come. Used by one thread at a time.</summary>
internal sealed class ReceiveBuffer(BytesInFlight.RequestLease lease) : IDisposable
{
    private const int FirstBytes = 4 << 10;

    private byte[] _buffer = [];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Bytes => _buffer.AsMemory(0, Length);

    public MemoryStream OpenRead() => new(_buffer, 0, Length, writable: false);

    /// <summary>Room behind the bytes, at least some; what is written there counts from <see cref="Advance"/> on.</summary>
    /// <param name="mostInAll">How many bytes there will be at most.</param>
    /// <exception cref="NoRoomException">There is no memory for it now.</exception>
    public Memory<byte> Room(int mostInAll)
    {
        if (Length == _buffer.Length) Resize(Capacity(Length + 1, mostInAll));
        return _buffer.AsMemory(Length);
    }

    public void Advance(int bytes) => Length += bytes;

    /// <param name="bytes">What comes behind the rest.</param>
    /// <param name="mostInAll">How many bytes there will be at most.</param>
    /// <exception cref="NoRoomException">There is no memory for it now.</exception>
    public void Append(in ReadOnlySequence<byte> bytes, int mostInAll)
    {
        int length = checked(Length + (int)bytes.Length);
        if (length > _buffer.Length) Resize(Capacity(length, mostInAll));
        bytes.CopyTo(_buffer.AsSpan(Length));
        Length = length;
    }

    public void Dispose()
    {
        if (_buffer.Length == 0) return;
        lease.Shrink(_buffer.Length);
        ByteBuffers.Return(_buffer);
        (_buffer, Length) = ([], 0);
    }

    /// <summary>Twice as much, or all there will be: whatever is near to that needn't be copied once more.</summary>
    private int Capacity(int needed, int mostInAll)
    {
        long doubled = Math.Max(2L * _buffer.Length, FirstBytes);
        return (int)Math.Max(needed, doubled < mostInAll * 3L / 4 ? doubled : mostInAll);
    }

    private void Resize(int capacity)
    {
        byte[] larger = ByteBuffers.Rent(capacity);
        try
        {
            lease.Grow(larger.Length);
        }
        catch
        {
            ByteBuffers.Return(larger);
            throw;
        }

        Bytes.Span.CopyTo(larger);
        if (_buffer.Length > 0)
        {
            lease.Shrink(_buffer.Length);
            ByteBuffers.Return(_buffer);
        }

        _buffer = larger;
    }
}
