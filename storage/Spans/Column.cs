namespace TraceStore.Storage.Spans;

/// <summary>
/// One column of a batch: values in row order, in memory that is kept when the batch is cleared. Columns are filled by
/// one thread and then only read.
/// </summary>
public abstract class Column
{
    /// <summary>Rows in the column.</summary>
    public abstract int Count { get; }

    /// <summary>Forgets the rows and keeps the memory.</summary>
    public abstract void Clear();

    /// <summary>Forgets the rows and gives back what memory others can use.</summary>
    public virtual void Release() => Clear();
}
