namespace TraceStore.Storage.Spans;

/// <summary>A WAL segment decoded: its spans, and each resource, scope and operation that they name, once.</summary>
public sealed class DecodedSegment
{
    public SpanBatch Spans { get; } = new();

    public ResourceBatch Resources { get; } = new();

    public ScopeBatch Scopes { get; } = new();

    public OperationBatch Operations { get; } = new();

    public void Clear()
    {
        Spans.Clear();
        Resources.Clear();
        Scopes.Clear();
        Operations.Clear();
    }
}
