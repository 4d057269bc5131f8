namespace TraceStore.Storage.Spans;

/// <summary>
/// The attributes that nearly all attributes are: one value of type string, bool, int or double under a key that stands
/// once. Each type has a map of its own, so that types survive. Everything else (arrays, maps, bytes, null, repeated
/// keys) is kept in OTLP's encoding by whoever owns these columns. A string lies in one of two maps. A last column is for
/// searching alone.
/// </summary>
public sealed class AttributeColumns
{
    /// <summary>Strings that come again and again, each kept once. Spans have them; resources and scopes are few.</summary>
    public MapColumn<DictionaryColumn> CommonStrings { get; } = new();

    /// <summary>All other strings.</summary>
    public MapColumn<BytesColumn> Strings { get; } = new();

    public MapColumn<NumberColumn<byte>> Bools { get; } = new();

    public MapColumn<NumberColumn<long>> Ints { get; } = new();

    public MapColumn<NumberColumn<double>> Doubles { get; } = new();

    /// <summary>What an attribute that no map holds is searched by (<see cref="Otlp.OtherAttribute"/>).</summary>
    public ListColumn Others { get; } = new();

    /// <summary>All columns.</summary>
    public IReadOnlyList<Column> All => [CommonStrings, Strings, Bools, Ints, Doubles, Others];

    /// <summary>Ends the row in all columns.</summary>
    public void EndRow()
    {
        CommonStrings.EndRow();
        Strings.EndRow();
        Bools.EndRow();
        Ints.EndRow();
        Doubles.EndRow();
        Others.EndRow();
    }

    public void Clear()
    {
        foreach (Column column in All) column.Clear();
    }
}
