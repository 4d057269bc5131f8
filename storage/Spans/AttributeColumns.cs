namespace TraceStore.Storage.Spans;

/// <summary>
/// The attributes that nearly all attributes are: one value of type string, bool, int or double under a key that stands
/// once. Each type has a map of its own, so that types survive. Everything else (arrays, maps, bytes, null, repeated
/// keys) is kept in OTLP's encoding by whoever owns these columns.
/// </summary>
public sealed class AttributeColumns
{
    public MapColumn<BytesColumn> Strings { get; } = new();

    public MapColumn<NumberColumn<byte>> Bools { get; } = new();

    public MapColumn<NumberColumn<long>> Ints { get; } = new();

    public MapColumn<NumberColumn<double>> Doubles { get; } = new();

    /// <summary>Ends the row in all four maps.</summary>
    public void EndRow()
    {
        Strings.EndRow();
        Bools.EndRow();
        Ints.EndRow();
        Doubles.EndRow();
    }

    public void Clear()
    {
        Strings.Clear();
        Bools.Clear();
        Ints.Clear();
        Doubles.Clear();
    }
}
