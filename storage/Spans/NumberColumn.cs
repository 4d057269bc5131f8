using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace TraceStore.Storage.Spans;

/// <summary>A column of fixed-width numbers, contiguous and little-endian: just what ClickHouse's Native format holds.</summary>
public sealed class NumberColumn<T> : Column, INumberColumn
    where T : unmanaged
{
    /// <summary>Room for more rows is kept only while it is used.</summary>
    private const int MaxKeptRows = 1 << 17;

    private readonly List<T> _values = [];

    public override int Count => _values.Count;

    public T this[int row] => _values[row];

    public ReadOnlySpan<T> Values => CollectionsMarshal.AsSpan(_values);

    ReadOnlySpan<byte> INumberColumn.Bytes => MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_values));

    public void Add(T value) => _values.Add(value);

    /// <summary>Adds the same value to so many rows.</summary>
    public void Add(T value, int rows)
    {
        int start = _values.Count;
        CollectionsMarshal.SetCount(_values, start + rows);
        CollectionsMarshal.AsSpan(_values)[start..].Fill(value);
    }

    public override void AddRows(Column from, int start, int rows) => _values.AddRange(((NumberColumn<T>)from).Values.Slice(start, rows));

    int INumberColumn.Width => Unsafe.SizeOf<T>();

    public override void Clear()
    {
        bool isMostlyEmpty = _values.Capacity > MaxKeptRows && _values.Count < _values.Capacity / 8;
        _values.Clear();
        if (isMostlyEmpty) _values.Capacity = 0;
    }

    Span<byte> INumberColumn.Extend(int rows)
    {
        int start = _values.Count;
        CollectionsMarshal.SetCount(_values, start + rows);
        return MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_values)[start..]);
    }
}

/// <summary>A number column seen as bytes, for whoever moves numbers without caring for their type.</summary>
public interface INumberColumn
{
    /// <summary>Bytes of a value.</summary>
    int Width { get; }

    /// <summary>All values, little-endian.</summary>
    ReadOnlySpan<byte> Bytes { get; }

    /// <summary>Appends rows and returns their bytes, to be filled.</summary>
    Span<byte> Extend(int rows);
}
