-- One row per span, all of it: columns for what is read often, and the remainder in OTLP's own encoding.
-- A segment of the write-ahead log is one block, one partition and one part. Traces lie together within an hour.
CREATE TABLE IF NOT EXISTS spans
(
    tenant LowCardinality(String),
    received_day Date,
    wal UInt64,
    seg UInt64,
    trace_id FixedString(16),
    span_id FixedString(8),
    parent_span_id FixedString(8),
    trace_state String,
    flags UInt32,
    service LowCardinality(String),
    name LowCardinality(String),
    kind Int32,
    start_time_unix_nano UInt64,
    end_time_unix_nano UInt64,
    string_attributes Map(LowCardinality(String), String),
    bool_attributes Map(LowCardinality(String), Bool),
    int_attributes Map(LowCardinality(String), Int64),
    double_attributes Map(LowCardinality(String), Float64),
    dropped_attributes_count UInt32,
    dropped_events_count UInt32,
    dropped_links_count UInt32,
    status_code Int32,
    status_message String,
    resource_hash FixedString(16),
    scope_hash FixedString(16),
    remainder String,
    INDEX seg_range seg TYPE minmax GRANULARITY 1,
    INDEX start_range start_time_unix_nano TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY received_day
ORDER BY (tenant, intDiv(start_time_unix_nano, 3600000000000), trace_id, start_time_unix_nano)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
