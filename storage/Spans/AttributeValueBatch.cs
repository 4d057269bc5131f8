namespace TraceStore.Storage.Spans;

/// <summary>Which attributes spans, their events and their links had on a day, and with which values: what lists of tags and of their values read.</summary>
public sealed class AttributeValueBatch
{
    public DictionaryColumn Tenant { get; } = new();

    /// <inheritdoc cref="SpanBatch.ReceivedDay"/>
    public NumberColumn<ushort> ReceivedDay { get; } = new();

    /// <summary>Whose attribute it is: span, event or link; intrinsic for what isn't one and is listed all the same.</summary>
    public DictionaryColumn Scope { get; } = new();

    public DictionaryColumn Name { get; } = new();

    /// <summary>string, int, float or bool; empty where the name alone is listed.</summary>
    public DictionaryColumn Type { get; } = new();

    /// <summary>As text; of an array each element by itself.</summary>
    public BytesColumn Value { get; } = new();

    public int Count => ReceivedDay.Count;
}
