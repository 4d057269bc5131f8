using TraceStore.Storage.Spans;

namespace TraceStore.Storage.ClickHouse;

/// <summary>
/// The catalogue of columns, one table each. To change what is stored, change this file and add one migration.
/// </summary>
public static class SpanColumns
{
    private const string Text = "LowCardinality(String)";

    public static BlockTable<SpanBatch> Spans { get; } = new("spans",
    [
        new("tenant", Text, batch => batch.Tenant, IsAnswered: false),
        new("received_day", "Date", batch => batch.ReceivedDay, IsAnswered: false),
        new("wal", "UInt64", batch => batch.Wal, IsAnswered: false),
        new("seg", "UInt64", batch => batch.Segment, IsAnswered: false),
        new("time_bucket", "UInt64", batch => batch.TimeBucket, IsAnswered: false),
        new("trace_id", "FixedString(16)", batch => batch.TraceId),
        new("span_ids", "FixedString(16)", batch => batch.SpanIds),
        new("flags", "UInt32", batch => batch.Flags),
        new("service", Text, batch => batch.Service),
        new("name", Text, batch => batch.Name),
        new("kind", "Int32", batch => batch.Kind),
        new("start_time_unix_nano", "UInt64", batch => batch.StartTimeUnixNano),
        new("duration", "UInt64", batch => batch.Duration),
        new("common_string_attributes", $"Map({Text}, {Text})", batch => batch.Attributes.CommonStrings),
        .. Attributes<SpanBatch>(batch => batch.Attributes),
        new("status_code", "Int32", batch => batch.StatusCode),
        new("status_message", "String", batch => batch.StatusMessage),
        new("origin", "LowCardinality(FixedString(32))", batch => batch.Origin),
        new("remainder", "String", batch => batch.Remainder),
    ]);

    /// <summary>All tables that hold spans, tell where they lie, hold what they refer to, or list what is in them; spans first.</summary>
    public static IReadOnlyList<(string Name, string Columns)> Tables =>
        [(Spans.Name, Spans.ColumnList), (TraceBuckets.Name, TraceBuckets.ColumnList), (Resources.Name, Resources.ColumnList), (Scopes.Name, Scopes.ColumnList), (Operations.Name, Operations.ColumnList), (AttributeValues.Name, AttributeValues.ColumnList)];

    public static BlockTable<TraceBucketBatch> TraceBuckets { get; } = new("trace_buckets",
    [
        new("tenant", Text, batch => batch.Tenant),
        new("received_day", "Date", batch => batch.ReceivedDay),
        new("trace_hash", "UInt32", batch => batch.TraceHash),
        new("time_bucket", "UInt64", batch => batch.TimeBucket),
    ]);

    public static BlockTable<ResourceBatch> Resources { get; } = new("resources",
    [
        new("tenant", Text, batch => batch.Tenant),
        new("received_day", "Date", batch => batch.ReceivedDay),
        new("hash", "FixedString(16)", batch => batch.Hash),
        new("service", Text, batch => batch.Service),
        .. Attributes<ResourceBatch>(batch => batch.Attributes),
        new("otlp", "String", batch => batch.Otlp),
    ]);

    public static BlockTable<ScopeBatch> Scopes { get; } = new("scopes",
    [
        new("tenant", Text, batch => batch.Tenant),
        new("received_day", "Date", batch => batch.ReceivedDay),
        new("hash", "FixedString(16)", batch => batch.Hash),
        new("name", Text, batch => batch.Name),
        new("version", Text, batch => batch.Version),
        .. Attributes<ScopeBatch>(batch => batch.Attributes),
        new("otlp", "String", batch => batch.Otlp),
    ]);

    public static BlockTable<OperationBatch> Operations { get; } = new("operations",
    [
        new("tenant", Text, batch => batch.Tenant),
        new("received_day", "Date", batch => batch.ReceivedDay),
        new("service", Text, batch => batch.Service),
        new("name", Text, batch => batch.Name),
        new("kind", "Int32", batch => batch.Kind),
    ]);

    public static BlockTable<AttributeValueBatch> AttributeValues { get; } = new("attribute_values",
    [
        new("tenant", Text, batch => batch.Tenant),
        new("received_day", "Date", batch => batch.ReceivedDay),
        new("scope", Text, batch => batch.Scope),
        new("name", Text, batch => batch.Name),
        new("type", Text, batch => batch.Type),
        new("value", "String", batch => batch.Value),
    ]);

    private static IEnumerable<BlockColumn<TBatch>> Attributes<TBatch>(Func<TBatch, AttributeColumns> of) =>
    [
        new("string_attributes", $"Map({Text}, String)", batch => of(batch).Strings),
        new("bool_attributes", $"Map({Text}, Bool)", batch => of(batch).Bools),
        new("int_attributes", $"Map({Text}, Int64)", batch => of(batch).Ints),
        new("double_attributes", $"Map({Text}, Float64)", batch => of(batch).Doubles),
        new("other_attributes", "Array(String)", batch => of(batch).Others, IsAnswered: false),
    ];
}
