using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>Rows that go with a query, as a table that it alone sees (ClickHouse, "External data for query processing").</summary>
/// <param name="Name">The table's name.</param>
/// <param name="Structure">Its columns' names and types.</param>
/// <param name="Rows">Its rows in Native format.</param>
public sealed record ExternalTable(string Name, string Structure, ReadOnlyMemory<byte> Rows)
{
    /// <summary>Takes from a batch the columns that a statement names, which are few of many.</summary>
    public static ExternalTable Of<TBatch>(string name, BlockTable<TBatch> columns, TBatch batch, string statement)
    {
        BlockTable<TBatch> named = columns.NamedIn(statement);
        var rows = new ByteList();
        NativeBlockWriter.Write(named, batch, rows);
        return new ExternalTable(name, named.Structure, rows.Memory);
    }
}
