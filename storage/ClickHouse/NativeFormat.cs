namespace TraceStore.Storage.ClickHouse;

/// <summary>
/// ClickHouse's Native format as the HTTP interface speaks it (no client revision, so no per-column extras):
/// <code>
/// block    varint columns, varint rows, then per column: string name, string type, values
/// string   varint length, bytes
/// String   per row a string           FixedString(n), numbers, Bool, Date: their bytes, one row behind the other
/// LowCardinality(T) of String or FixedString(n)
///   prefix u64 version 1
///   values u64 index type | flags, u64 keys, the keys as T, u64 rows, per row its key's number;
///          nothing at all when there are no rows
/// Map(K, V)
///   prefix those of K and V
///   values u64 per row: where its entries end; then all keys as K, all values as V
/// Array(String)
///   values u64 per row: where its strings end; then all strings
/// </code>
/// </summary>
internal static class NativeFormat
{
    public const ulong LowCardinalityVersion = 1;

    /// <summary>The block brings its own keys (0x200), and they replace any from a block before (0x400).</summary>
    public const ulong OwnKeys = 0x600;

    /// <summary>The lowest byte of the flags: log2 of an index's bytes.</summary>
    public const ulong IndexTypeMask = 0xFF;
}
