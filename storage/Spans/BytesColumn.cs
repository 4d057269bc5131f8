namespace TraceStore.Storage.Spans;

/// <summary>A column of byte strings of any length. Text is UTF-8 as it came, valid or not.</summary>
public sealed class BytesColumn : Column
{
    private readonly ByteList _bytes = new();
    private readonly NumberColumn<int> _ends = new();

    public override int Count => _ends.Count;

    public ReadOnlySpan<byte> this[int row]
    {
        get
        {
            int start = row == 0 ? 0 : _ends[row - 1];
            return _bytes.Slice(start, _ends[row] - start);
        }
    }

    public void Add(ReadOnlySpan<byte> value)
    {
        _bytes.Add(value);
        _ends.Add(_bytes.Length);
    }

    /// <summary>Adds a row of this many bytes and returns them, to be filled.</summary>
    public Span<byte> Extend(int length)
    {
        Span<byte> row = _bytes.Extend(length);
        _ends.Add(_bytes.Length);
        return row;
    }

    public override void Clear()
    {
        _bytes.Clear();
        _ends.Clear();
    }
}
