namespace TraceStore.Storage.Spans;

/// <summary>
/// A column of byte strings of any length, in chunks: one run of all of them would have to be copied each time it grows, and
/// be there twice meanwhile. Text is UTF-8 as it came, valid or not.
/// </summary>
public sealed class BytesColumn : Column
{
    private const int FirstChunkBytes = 1 << 10;
    private const int ChunkBytes = ByteBuffers.ChunkBytes;

    private readonly List<byte[]> _chunks = [];
    private readonly NumberColumn<Place> _rows = new();
    private int _chunk; // the one that is being filled
    private int _filled;

    public override int Count => _rows.Count;

    /// <summary>Bytes of all values.</summary>
    public long Bytes { get; private set; }

    public ReadOnlySpan<byte> this[int row]
    {
        get
        {
            Place place = _rows[row];
            return place.Length == 0 ? [] : _chunks[place.Chunk].AsSpan(place.Start, place.Length);
        }
    }

    public void Add(ReadOnlySpan<byte> value) => value.CopyTo(Extend(value.Length));

    /// <summary>Adds a row of this many bytes and returns them, to be filled.</summary>
    public Span<byte> Extend(int length)
    {
        if (length == 0)
        {
            _rows.Add(default);
            return [];
        }

        while (_chunk < _chunks.Count && _chunks[_chunk].Length - _filled < length) (_chunk, _filled) = (_chunk + 1, 0);
        if (_chunk == _chunks.Count) _chunks.Add(NewChunk(length));
        Bytes += length;
        _rows.Add(new Place(_chunk, _filled, length));
        Span<byte> row = _chunks[_chunk].AsSpan(_filled, length);
        _filled += length;
        return row;
    }

    public override void AddRows(Column from, int start, int rows)
    {
        var column = (BytesColumn)from;
        for (int row = start; row < start + rows; row++) Add(column[row]);
    }

    public override void Clear()
    {
        int kept = 0;
        for (int i = 0; i < _chunks.Count; i++)
        {
            byte[] chunk = _chunks[i];
            if (chunk.Length == ChunkBytes) ByteBuffers.ReturnChunk(chunk);
            else if (chunk.Length > ChunkBytes) ByteBuffers.NoteLetGo(chunk.Length);
            else _chunks[kept++] = chunk;
        }

        _chunks.RemoveRange(kept, _chunks.Count - kept);
        (_chunk, _filled, Bytes) = (0, 0, 0);
        _rows.Clear();
    }

    private byte[] NewChunk(int length)
    {
        int usual = Math.Min(ChunkBytes, FirstChunkBytes << Math.Min(_chunk, 10));
        return usual == ChunkBytes && length <= ChunkBytes ? ByteBuffers.RentChunk() : GC.AllocateUninitializedArray<byte>(Math.Max(usual, length));
    }

    /// <summary>Where a value lies.</summary>
    private readonly record struct Place(int Chunk, int Start, int Length);
}
