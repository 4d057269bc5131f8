namespace TraceStore.Storage.Spans;

/// <summary>A column of maps: rows own runs of a shared list of keys and a shared list of values.</summary>
public abstract class MapColumn : Column
{
    public override int Count => Ends.Count;

    /// <summary>Where each row's run ends, counted in entries from the first row on.</summary>
    public NumberColumn<ulong> Ends { get; } = new();

    /// <summary>The keys of all rows.</summary>
    public DictionaryColumn Keys { get; } = new();

    /// <summary>The values of all rows.</summary>
    public abstract Column Entries { get; }

    /// <summary>The entries of a row, as a range of <see cref="Keys"/> and <see cref="Entries"/>.</summary>
    public Range this[int row] => new(StartOf(row), (int)Ends[row]);

    /// <summary>Ends the row: entries added from now on belong to the next one.</summary>
    public void EndRow() => Ends.Add((ulong)Keys.Count);

    public override void AddRows(Column from, int start, int rows)
    {
        var column = (MapColumn)from;
        int first = column.StartOf(start), entries = column.StartOf(start + rows) - first;
        ulong moved = unchecked((ulong)Keys.Count - (ulong)first);
        Keys.AddRows(column.Keys, first, entries);
        Entries.AddRows(column.Entries, first, entries);
        for (int row = start; row < start + rows; row++) Ends.Add(unchecked(column.Ends[row] + moved));
    }

    public override void Clear()
    {
        Ends.Clear();
        Keys.Clear();
        Entries.Clear();
    }

    private int StartOf(int row) => row == 0 ? 0 : (int)Ends[row - 1];
}

/// <summary>A map column whose values lie in a <typeparamref name="TValues"/>.</summary>
public sealed class MapColumn<TValues> : MapColumn
    where TValues : Column, new()
{
    public TValues Values { get; } = new();

    public override Column Entries => Values;
}
