namespace TraceStore.Storage.Spans;

/// <summary>Which span names of which kind each service has sent on a day: what lists of services and operations read.</summary>
public sealed class OperationBatch
{
    public DictionaryColumn Tenant { get; } = new();

    /// <inheritdoc cref="SpanBatch.ReceivedDay"/>
    public NumberColumn<ushort> ReceivedDay { get; } = new();

    public DictionaryColumn Service { get; } = new();

    public DictionaryColumn Name { get; } = new();

    /// <inheritdoc cref="SpanBatch.Kind"/>
    public NumberColumn<int> Kind { get; } = new();

    public int Count => Kind.Count;

    public void Clear()
    {
        foreach (Column column in (ReadOnlySpan<Column>)[Tenant, ReceivedDay, Service, Name, Kind]) column.Clear();
    }
}
