namespace TraceStore.Storage.Spans;

/// <summary>A column of byte strings of one width: IDs and hashes.</summary>
public sealed class FixedBytesColumn(int width) : Column
{
    private readonly ByteList _bytes = new();

    /// <summary>Bytes per row.</summary>
    public int Width => width;

    public override int Count => _bytes.Length / width;

    public ReadOnlySpan<byte> this[int row] => _bytes.Slice(row * width, width);

    /// <summary>All rows, one after the other.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.All;

    /// <summary>Adds a row; an empty value stands for all zero.</summary>
    /// <exception cref="ArgumentException">The value is neither empty nor <see cref="Width"/> bytes long.</exception>
    public void Add(ReadOnlySpan<byte> value)
    {
        if (value.Length != width && value.Length != 0)
        {
            throw new ArgumentException($"A column of {width} bytes was given {value.Length}.", nameof(value));
        }

        Span<byte> row = _bytes.Extend(width);
        if (value.IsEmpty) row.Clear();
        else value.CopyTo(row);
    }

    /// <summary>Appends rows and returns their bytes, to be filled.</summary>
    public Span<byte> Extend(int rows) => _bytes.Extend(rows * width);

    public override void AddRows(Column from, int start, int rows) =>
        _bytes.Add(((FixedBytesColumn)from).Bytes.Slice(start * width, rows * width));

    public override void Clear() => _bytes.Clear();
}
