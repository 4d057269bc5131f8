using System.Buffers;

namespace TraceStore.Storage.Spans;

/// <summary>
/// A column of byte strings that repeat: each distinct value is kept once, rows hold its number. The counterpart of
/// ClickHouse's LowCardinality(String), or of LowCardinality(FixedString) where all values have one width.
/// </summary>
public sealed class DictionaryColumn(int? width) : Column
{
    private readonly NumberColumn<uint> _rows = new();

    public DictionaryColumn()
        : this(width: null)
    {
    }

    public override int Count => _rows.Count;

    /// <summary>Bytes of each value; null where they differ.</summary>
    public int? Width => width;

    /// <summary>The distinct values, by number.</summary>
    public ByteStringTable Values { get; } = new();

    /// <summary>The number of each row's value.</summary>
    public ReadOnlySpan<uint> Rows => _rows.Values;

    public ReadOnlySpan<byte> this[int row] => Values[(int)_rows[row]];

    public void Add(ReadOnlySpan<byte> value) => _rows.Add(Values.NumberOf(value));

    /// <summary>Adds a row whose value's number is known from <see cref="Values"/>.</summary>
    public void Add(uint number) => _rows.Add(number);

    /// <summary>Adds so many rows whose value has this number.</summary>
    public void Add(uint number, int rows) => _rows.Add(number, rows);

    public override void AddRows(Column from, int start, int rows)
    {
        var column = (DictionaryColumn)from;
        ReadOnlySpan<uint> numbers = column.Rows.Slice(start, rows);
        if (rows < column.Values.Count)
        {
            foreach (uint number in numbers) Add(column.Values[(int)number]);
            return;
        }

        // Each value's number plus one here, once it is known
        uint[] here = ArrayPool<uint>.Shared.Rent(column.Values.Count);
        here.AsSpan(0, column.Values.Count).Clear();
        foreach (uint number in numbers)
        {
            ref uint known = ref here[number];
            if (known == 0) known = Values.NumberOf(column.Values[(int)number]) + 1;
            _rows.Add(known - 1);
        }

        ArrayPool<uint>.Shared.Return(here);
    }

    public override void Clear()
    {
        _rows.Clear();
        Values.Clear();
    }
}
