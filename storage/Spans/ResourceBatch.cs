namespace TraceStore.Storage.Spans;

/// <summary>Resources by content: each is stored once a day under its hash and referenced from spans.</summary>
public sealed class ResourceBatch
{
    public DictionaryColumn Tenant { get; } = new();

    /// <inheritdoc cref="SpanBatch.ReceivedDay"/>
    public NumberColumn<ushort> ReceivedDay { get; } = new();

    /// <summary>The <see cref="ContentHash"/> of <see cref="Otlp"/>.</summary>
    public FixedBytesColumn Hash { get; } = new(ContentHash.Size);

    public DictionaryColumn Service { get; } = new();

    /// <summary>For search; <see cref="Otlp"/> is what is given back.</summary>
    public AttributeColumns Attributes { get; } = new();

    /// <summary>The ResourceSpans message without its scope_spans.</summary>
    public BytesColumn Otlp { get; } = new();

    public int Count => Hash.Count;

    public void Clear()
    {
        foreach (Column column in (ReadOnlySpan<Column>)[Tenant, ReceivedDay, Hash, Service, Otlp]) column.Clear();
        Attributes.Clear();
    }
}
