using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>Writes a batch as one block in ClickHouse's Native format. Deterministic: equal batches are equal bytes.</summary>
public static class NativeBlockWriter
{
    /// <summary>A string's length and a dictionary's number take at most so much each, a column's name and type mostly.</summary>
    private const int MaxLengthBytes = 5, MaxNumberBytes = 4, HeadBytes = 128;

    /// <summary>Appends the block to <paramref name="output"/>.</summary>
    public static void Write<TBatch>(BlockTable<TBatch> table, TBatch batch, ByteList output)
    {
        int rows = table.Columns[0].Of(batch).Count;
        output.Reserve(output.Length + MostBytes(table, batch));
        WriteVarint(output, (ulong)table.Columns.Count);
        WriteVarint(output, (ulong)rows);
        foreach (BlockColumn<TBatch> entry in table.Columns)
        {
            Column column = entry.Of(batch);
            Debug.Assert(column.Count == rows, $"BUG: column {entry.Name} has {column.Count} of {rows} rows");
            WriteString(output, Encoding.UTF8.GetBytes(entry.Name));
            WriteString(output, Encoding.UTF8.GetBytes(entry.Type));
            WritePrefix(output, column);
            WriteValues(output, column);
        }
    }

    /// <summary>What the block takes at most.</summary>
    public static long MostBytes<TBatch>(BlockTable<TBatch> table, TBatch batch) => table.Columns.Sum(entry => HeadBytes + MostBytes(entry.Of(batch)));

    /// <summary>What a column's values take at most.</summary>
    private static long MostBytes(Column column) => column switch
    {
        INumberColumn numbers => numbers.Bytes.Length,
        FixedBytesColumn fixedBytes => fixedBytes.Bytes.Length,
        BytesColumn bytes => bytes.Bytes + ((long)MaxLengthBytes * bytes.Count),
        DictionaryColumn dictionary => dictionary.Values.Bytes + ((long)MaxLengthBytes * dictionary.Values.Count) + ((long)MaxNumberBytes * dictionary.Count),
        MapColumn map => MostBytes(map.Ends) + MostBytes(map.Keys) + MostBytes(map.Entries),
        ListColumn list => MostBytes(list.Ends) + MostBytes(list.Values),
        _ => 0,
    };

    private static void WritePrefix(ByteList output, Column column)
    {
        switch (column)
        {
            case DictionaryColumn:
                WriteUInt64(output, NativeFormat.LowCardinalityVersion);
                break;
            case MapColumn map:
                WritePrefix(output, map.Keys);
                WritePrefix(output, map.Entries);
                break;
        }
    }

    private static void WriteValues(ByteList output, Column column)
    {
        switch (column)
        {
            case INumberColumn numbers:
                output.Add(numbers.Bytes);
                break;
            case FixedBytesColumn fixedBytes:
                output.Add(fixedBytes.Bytes);
                break;
            case BytesColumn bytes:
                for (int row = 0; row < bytes.Count; row++) WriteString(output, bytes[row]);
                break;
            case DictionaryColumn dictionary:
                WriteDictionary(output, dictionary);
                break;
            case MapColumn map:
                WriteValues(output, map.Ends);
                WriteValues(output, map.Keys);
                WriteValues(output, map.Entries);
                break;
            case ListColumn list:
                WriteValues(output, list.Ends);
                WriteValues(output, list.Values);
                break;
            default:
                throw new UnreachableException($"BUG: no Native form for {column.GetType().Name}");
        }
    }

    private static void WriteDictionary(ByteList output, DictionaryColumn column)
    {
        if (column.Count == 0) return;

        int indexType = column.Values.Count <= byte.MaxValue + 1 ? 0 : column.Values.Count <= ushort.MaxValue + 1 ? 1 : 2;
        WriteUInt64(output, (ulong)indexType | NativeFormat.OwnKeys);
        WriteUInt64(output, (ulong)column.Values.Count);
        for (int number = 0; number < column.Values.Count; number++)
        {
            if (column.Width is null) WriteString(output, column.Values[number]);
            else output.Add(column.Values[number]);
        }

        WriteUInt64(output, (ulong)column.Count);

        ReadOnlySpan<uint> rows = column.Rows;
        Span<byte> indexes = output.Extend(rows.Length << indexType);
        for (int row = 0; row < rows.Length; row++)
        {
            switch (indexType)
            {
                case 0: indexes[row] = (byte)rows[row]; break;
                case 1: BinaryPrimitives.WriteUInt16LittleEndian(indexes[(row * 2)..], (ushort)rows[row]); break;
                default: BinaryPrimitives.WriteUInt32LittleEndian(indexes[(row * 4)..], rows[row]); break;
            }
        }
    }

    private static void WriteString(ByteList output, ReadOnlySpan<byte> value)
    {
        WriteVarint(output, (ulong)value.Length);
        output.Add(value);
    }

    private static void WriteVarint(ByteList output, ulong value)
    {
        for (; value >= 0x80; value >>= 7) output.Add((byte)(value | 0x80));
        output.Add((byte)value);
    }

    private static void WriteUInt64(ByteList output, ulong value) =>
        BinaryPrimitives.WriteUInt64LittleEndian(output.Extend(sizeof(ulong)), value);
}
