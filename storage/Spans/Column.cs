namespace TraceStore.Storage.Spans;

/// <summary>
/// One column of a batch: values in row order, to be cleared and filled again. Columns are filled by
/// one thread and then only read.
/// </summary>
public abstract class Column
{
    /// <summary>Rows in the column.</summary>
    public abstract int Count { get; }

    /// <summary>Appends rows of another column of this kind.</summary>
    /// <param name="from">The other column.</param>
    /// <param name="start">Its first row that is taken.</param>
    /// <param name="rows">How many are.</param>
    public abstract void AddRows(Column from, int start, int rows);

    /// <summary>Forgets the rows. Memory that others can use is given back, the rest kept.</summary>
    public abstract void Clear();
}
