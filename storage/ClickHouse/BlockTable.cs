using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>
/// A table's column: its name and type in ClickHouse, where its values lie in a batch, and whether answers need it: what only
/// tells where and when a row was stored, or by what it is found, they don't read.
/// </summary>
public sealed record BlockColumn<TBatch>(string Name, string Type, Func<TBatch, Column> Of, bool IsAnswered = true);

/// <summary>
/// A table's columns, in one order that the INSERT, the SELECT, the block writer and the block reader all derive from.
/// The migration that creates the table says the same in SQL; a test compares the two.
/// </summary>
public sealed class BlockTable<TBatch>(string name, IReadOnlyList<BlockColumn<TBatch>> columns)
{
    public string Name => name;

    public IReadOnlyList<BlockColumn<TBatch>> Columns => columns;

    /// <summary>The columns' names, for an INSERT.</summary>
    public string ColumnList { get; } = string.Join(", ", columns.Select(column => column.Name));

    /// <summary>The names of the columns that answers need, for a SELECT.</summary>
    public string AnswerColumnList { get; } = string.Join(", ", columns.Where(column => column.IsAnswered).Select(column => column.Name));

    /// <summary>The columns' names and types, for a table that is made of them.</summary>
    public string Structure { get; } = string.Join(", ", columns.Select(column => $"{column.Name} {column.Type}"));

    /// <summary>The columns that a statement's text names, and perhaps some more.</summary>
    public BlockTable<TBatch> NamedIn(string statement) => new(name, [.. columns.Where(column => statement.Contains(column.Name, StringComparison.Ordinal))]);

    /// <summary>Where to read the named columns of a result into.</summary>
    public IReadOnlyDictionary<string, (string Type, Column Column)> Bind(TBatch batch) =>
        columns.ToDictionary(column => column.Name, column => (column.Type, column.Of(batch)));
}
