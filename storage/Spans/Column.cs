namespace TraceStore.Storage.Spans;

/// <summary>
/// One column of a batch: values in row order, to be cleared and filled again. Columns are filled by
/// one thread and then only read.
/// </summary>
public abstract class Column
{
    /// <summary>Rows in the column.</summary>
    public abstract int Count { get; }

    /// <summary>Forgets the rows. Memory that others can use is given back, the rest kept.</summary>
    public abstract void Clear();
}
