namespace TraceStore.Storage.Spans;

/// <summary>A column of lists of byte strings: rows own runs of a shared list.</summary>
public sealed class ListColumn : Column
{
    public override int Count => Ends.Count;

    /// <summary>Where each row's run ends, counted in values from the first row on.</summary>
    public NumberColumn<ulong> Ends { get; } = new();

    /// <summary>The values of all rows.</summary>
    public BytesColumn Values { get; } = new();

    /// <summary>Ends the row: values added from now on belong to the next one.</summary>
    public void EndRow() => Ends.Add((ulong)Values.Count);

    public override void AddRows(Column from, int start, int rows)
    {
        var column = (ListColumn)from;
        int first = column.StartOf(start);
        ulong moved = unchecked((ulong)Values.Count - (ulong)first);
        Values.AddRows(column.Values, first, column.StartOf(start + rows) - first);
        for (int row = start; row < start + rows; row++) Ends.Add(unchecked(column.Ends[row] + moved));
    }

    public override void Clear()
    {
        Ends.Clear();
        Values.Clear();
    }

    private int StartOf(int row) => row == 0 ? 0 : (int)Ends[row - 1];
}
