using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>Reads blocks in ClickHouse's Native format into columns: the writer's inverse.</summary>
internal ref struct NativeBlockReader(ReadOnlySpan<byte> blocks)
{
    private readonly ReadOnlySpan<byte> _blocks = blocks;
    private int _position;

    // A block that is measured is gone through without being kept, and may end in the middle.
    private bool _isMeasuring;
    private bool _isShort;

    /// <summary>Appends the rows of all blocks to the columns, found by name.</summary>
    /// <exception cref="InvalidDataException">The bytes are no Native blocks, or of other columns or types.</exception>
    public static void ReadAll(ReadOnlySpan<byte> blocks, IReadOnlyDictionary<string, (string Type, Column Column)> columns)
    {
        var reader = new NativeBlockReader(blocks);
        while (reader._position < blocks.Length) reader.ReadBlock(columns);
    }

    /// <summary>The bytes of the whole blocks at the start of <paramref name="blocks"/>, behind which another may have begun.</summary>
    /// <exception cref="InvalidDataException">The bytes are no Native blocks, or of other columns or types.</exception>
    public static int MeasureWhole(ReadOnlySpan<byte> blocks, IReadOnlyDictionary<string, (string Type, Column Column)> columns)
    {
        var reader = new NativeBlockReader(blocks) { _isMeasuring = true };
        int whole = 0;
        while (reader._position < blocks.Length)
        {
            reader.ReadBlock(columns);
            if (reader._isShort) break;
            whole = reader._position;
        }

        return whole;
    }

    private void ReadBlock(IReadOnlyDictionary<string, (string Type, Column Column)> columns)
    {
        int count = ReadLength();
        int rows = ReadLength();
        for (int i = 0; i < count; i++)
        {
            string name = Encoding.UTF8.GetString(ReadString());
            string type = Encoding.UTF8.GetString(ReadString());
            if (_isShort) return;
            if (!columns.TryGetValue(name, out (string Type, Column Column) target) || target.Type != type)
            {
                throw new InvalidDataException($"ClickHouse answered with a column {name} {type}, which the catalogue doesn't have.");
            }

            ReadPrefix(target.Column);
            ReadValues(target.Column, rows);
        }
    }

    private void ReadPrefix(Column column)
    {
        switch (column)
        {
            case DictionaryColumn:
                ulong version = ReadUInt64();
                if (version != NativeFormat.LowCardinalityVersion && !_isShort) throw new InvalidDataException($"LowCardinality serialization {version} isn't known.");
                break;
            case MapColumn map:
                ReadPrefix(map.Keys);
                ReadPrefix(map.Entries);
                break;
        }
    }

    private void ReadValues(Column column, int rows)
    {
        switch (column)
        {
            case INumberColumn numbers when _isMeasuring:
                Take(rows * numbers.Width);
                break;
            case INumberColumn numbers:
                Take(rows * numbers.Width).CopyTo(numbers.Extend(rows));
                break;
            case FixedBytesColumn fixedBytes when _isMeasuring:
                Take(rows * fixedBytes.Width);
                break;
            case FixedBytesColumn fixedBytes:
                Take(rows * fixedBytes.Width).CopyTo(fixedBytes.Extend(rows));
                break;
            case BytesColumn when _isMeasuring:
                for (int row = 0; row < rows && !_isShort; row++) ReadString();
                break;
            case BytesColumn bytes:
                for (int row = 0; row < rows; row++) bytes.Add(ReadString());
                break;
            case DictionaryColumn dictionary:
                ReadDictionary(dictionary, rows);
                break;
            case MapColumn map:
                int entries = ReadEnds(map.Ends, map.Keys.Count, rows);
                ReadValues(map.Keys, entries);
                ReadValues(map.Entries, entries);
                break;
            case ListColumn list:
                ReadValues(list.Values, ReadEnds(list.Ends, list.Values.Count, rows));
                break;
            default:
                throw new UnreachableException($"BUG: no Native form for {column.GetType().Name}");
        }
    }

    private void ReadDictionary(DictionaryColumn column, int rows)
    {
        if (rows == 0) return;

        ulong flags = ReadUInt64();
        int indexType = (int)(flags & NativeFormat.IndexTypeMask);
        if (_isShort) return;
        if (indexType > 2 || (flags & ~NativeFormat.IndexTypeMask & NativeFormat.OwnKeys) == 0)
        {
            throw new InvalidDataException($"LowCardinality flags {flags:x} aren't known.");
        }

        int keys = ReadUInt64() is <= int.MaxValue and var many ? (int)many : throw new InvalidDataException("A LowCardinality column has too many keys.");
        uint[] numbers = _isMeasuring ? [] : new uint[keys];
        for (int key = 0; key < keys && !_isShort; key++)
        {
            ReadOnlySpan<byte> value = column.Width is { } width ? Take(width) : ReadString();
            if (!_isMeasuring) numbers[key] = column.Values.NumberOf(value);
        }

        if (ReadUInt64() != (ulong)rows && !_isShort) throw new InvalidDataException("A LowCardinality column has another number of rows than its block.");

        ReadOnlySpan<byte> indexes = Take(rows << indexType);
        if (_isMeasuring) return;
        for (int row = 0; row < rows; row++)
        {
            uint index = indexType switch
            {
                0 => indexes[row],
                1 => BinaryPrimitives.ReadUInt16LittleEndian(indexes[(row * 2)..]),
                _ => BinaryPrimitives.ReadUInt32LittleEndian(indexes[(row * 4)..]),
            };
            column.Add(numbers[index]);
        }
    }

    /// <summary>Reads where each row's run ends, and returns how many values there are.</summary>
    private int ReadEnds(NumberColumn<ulong> ends, int before, int rows)
    {
        ulong end = 0;
        for (int row = 0; row < rows; row++)
        {
            end = ReadUInt64();
            if (_isShort) return 0;
            if (!_isMeasuring) ends.Add((ulong)before + end);
        }

        return end <= int.MaxValue ? (int)end : throw new InvalidDataException($"{end} values in a Native block.");
    }

    private ReadOnlySpan<byte> ReadString() => Take(ReadLength());

    private int ReadLength()
    {
        ulong value = 0;
        for (int shift = 0; shift < 63; shift += 7)
        {
            ReadOnlySpan<byte> taken = Take(1);
            if (taken.IsEmpty) return 0;
            byte next = taken[0];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value <= int.MaxValue ? (int)value : throw new InvalidDataException($"A length of {value} in a Native block.");
        }

        throw new InvalidDataException("A varint without end in a Native block.");
    }

    private ulong ReadUInt64() => Take(sizeof(ulong)) is { IsEmpty: false } taken ? BinaryPrimitives.ReadUInt64LittleEndian(taken) : 0;

    /// <summary>The next bytes; none where a block that is measured ends before them.</summary>
    private ReadOnlySpan<byte> Take(int count)
    {
        if (_isShort) return [];
        if (count > _blocks.Length - _position)
        {
            _isShort = _isMeasuring ? true : throw new InvalidDataException("A Native block ends in the middle.");
            return [];
        }

        ReadOnlySpan<byte> taken = _blocks.Slice(_position, count);
        _position += count;
        return taken;
    }
}
