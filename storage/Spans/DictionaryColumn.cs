namespace TraceStore.Storage.Spans;

/// <summary>
/// A column of byte strings that repeat: each distinct value is kept once, rows hold its number. The counterpart of
/// ClickHouse's LowCardinality(String).
/// </summary>
public sealed class DictionaryColumn : Column
{
    private readonly NumberColumn<uint> _rows = new();
    private readonly List<byte[]> _values = [];
    private readonly Dictionary<byte[], uint> _numbers = new(ByteStringComparer.Instance);
    private readonly Dictionary<byte[], uint>.AlternateLookup<ReadOnlySpan<byte>> _numberOf;

    public DictionaryColumn() => _numberOf = _numbers.GetAlternateLookup<ReadOnlySpan<byte>>();

    public override int Count => _rows.Count;

    /// <summary>The distinct values, by number.</summary>
    public IReadOnlyList<byte[]> Values => _values;

    /// <summary>The number of each row's value.</summary>
    public ReadOnlySpan<uint> Rows => _rows.Values;

    public ReadOnlySpan<byte> this[int row] => _values[(int)_rows[row]];

    public void Add(ReadOnlySpan<byte> value) => _rows.Add(NumberOf(value));

    /// <summary>Adds a row whose value's number is known from <see cref="NumberOf"/>.</summary>
    public void Add(uint number) => _rows.Add(number);

    /// <summary>The value's number; a value not seen before gets the next one.</summary>
    public uint NumberOf(ReadOnlySpan<byte> value)
    {
        if (_numberOf.TryGetValue(value, out uint number)) return number;

        number = (uint)_values.Count;
        byte[] copy = value.ToArray();
        _values.Add(copy);
        _numbers.Add(copy, number);
        return number;
    }

    public override void Clear()
    {
        _rows.Clear();
        _values.Clear();
        _numbers.Clear();
    }
}
