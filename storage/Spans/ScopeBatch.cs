namespace TraceStore.Storage.Spans;

/// <summary>Instrumentation scopes by content: each is stored once a day under its hash and referenced from spans.</summary>
public sealed class ScopeBatch
{
    public DictionaryColumn Tenant { get; } = new();

    /// <inheritdoc cref="SpanBatch.ReceivedDay"/>
    public NumberColumn<ushort> ReceivedDay { get; } = new();

    /// <summary>The <see cref="ContentHash"/> of <see cref="Otlp"/>.</summary>
    public FixedBytesColumn Hash { get; } = new(ContentHash.Size);

    public DictionaryColumn Name { get; } = new();

    public DictionaryColumn Version { get; } = new();

    /// <summary>For search; <see cref="Otlp"/> is what is given back.</summary>
    public AttributeColumns Attributes { get; } = new();

    /// <summary>The ScopeSpans message without its spans.</summary>
    public BytesColumn Otlp { get; } = new();

    public int Count => Hash.Count;

    public void Clear()
    {
        foreach (Column column in (ReadOnlySpan<Column>)[Tenant, ReceivedDay, Hash, Name, Version, Otlp]) column.Clear();
        Attributes.Clear();
    }
}
