using System.Diagnostics.CodeAnalysis;

namespace TraceStore.Storage.Spans;

/// <summary>A growing run of bytes.</summary>
[SuppressMessage("Naming", "CA1710:Identifiers should have correct suffix", Justification = "It is to byte[] what List is to T[].")]
public sealed class ByteList(int capacity = 256)
{
    /// <summary>A longer run grows by a quarter instead of to twice its size, for while it grows there are two of it.</summary>
    private const int LongBytes = 16 << 20;

    /// <summary>Room for more is kept only while it is used, and room for much more never.</summary>
    private const int MaxKeptBytes = 1 << 20, MuchBytes = 32 << 20;

    private byte[] _bytes = new byte[capacity];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> All => _bytes.AsSpan(0, Length);

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public ReadOnlySpan<byte> Slice(int start, int length) => All.Slice(start, length);

    public void Add(byte value) => Extend(1)[0] = value;

    public void Add(ReadOnlySpan<byte> value) => value.CopyTo(Extend(value.Length));

    /// <summary>Grows by <paramref name="count"/> bytes and returns them; what they hold is not defined.</summary>
    public Span<byte> Extend(int count)
    {
        int start = Length;
        int length = checked(start + count);
        if (length > _bytes.Length)
        {
            long roomy = _bytes.Length + (_bytes.Length < LongBytes ? _bytes.Length : _bytes.Length / 4L);
            Resize(Math.Max(length, roomy));
        }

        Length = length;
        return _bytes.AsSpan(start, count);
    }

    /// <summary>The bytes, to be changed.</summary>
    public Span<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>Makes room for so many bytes at a place; what they hold is not defined.</summary>
    public void Insert(int at, int count)
    {
        if (count == 0) return;
        int moved = Length - at;
        Extend(count);
        _bytes.AsSpan(at, moved).CopyTo(_bytes.AsSpan(at + count));
    }

    /// <summary>Makes room for so many bytes in all, which then needn't be made piece by piece.</summary>
    public void Reserve(long count)
    {
        if (count > _bytes.Length) Resize(Length == 0 ? count : Math.Max(count, _bytes.Length + (_bytes.Length / 4L)));
    }

    /// <summary>Forgets the bytes, and most of the memory where little of it was used.</summary>
    public void Clear()
    {
        if (Length == 0) return;
        bool isWasted = _bytes.Length > MaxKeptBytes && (_bytes.Length > MuchBytes || Length < _bytes.Length / 8);
        Length = 0;
        if (isWasted) Resize(MaxKeptBytes / 8);
    }

    /// <summary>Forgets the bytes and lets go of their memory.</summary>
    public void LetGo()
    {
        Length = 0;
        Resize(0);
    }

    private void Resize(long count)
    {
        byte[] before = _bytes;
        _bytes = GC.AllocateUninitializedArray<byte>((int)Math.Min(Array.MaxLength, count));
        before.AsSpan(0, Length).CopyTo(_bytes);
        if (before.Length > MaxKeptBytes) ByteBuffers.NoteLetGo(before.Length);
    }
}
