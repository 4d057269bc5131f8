-- The spans table in another shape; storage/decisions/0005 says why. What is stored is taken over, in one statement: done
-- again after a crash, it begins anew.
CREATE OR REPLACE TABLE spans_by_five_minutes
(
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    received_day Date CODEC(ZSTD(1)),
    wal UInt64 CODEC(ZSTD(1)),
    seg UInt64 CODEC(Delta, ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_ids FixedString(16) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    kind Int32 CODEC(T64, ZSTD(1)),
    start_time_unix_nano UInt64 CODEC(Delta, ZSTD(1)),
    duration UInt64 CODEC(T64, ZSTD(1)),
    string_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    bool_attributes Map(LowCardinality(String), Bool) CODEC(ZSTD(1)),
    int_attributes Map(LowCardinality(String), Int64) CODEC(ZSTD(1)),
    double_attributes Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    status_code Int32 CODEC(ZSTD(1)),
    status_message String CODEC(ZSTD(1)),
    origin LowCardinality(FixedString(32)) CODEC(ZSTD(1)),
    remainder String CODEC(ZSTD(1)),
    span_id FixedString(8) ALIAS substring(span_ids, 1, 8),
    parent_span_id FixedString(8) ALIAS substring(span_ids, 9, 8),
    end_time_unix_nano UInt64 ALIAS start_time_unix_nano + duration,
    resource_hash FixedString(16) ALIAS substring(origin, 1, 16),
    scope_hash FixedString(16) ALIAS substring(origin, 17, 16),
    INDEX seg_range seg TYPE minmax GRANULARITY 1,
    INDEX start_range start_time_unix_nano TYPE minmax GRANULARITY 1,
    INDEX trace_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX string_bloom mapValues(string_attributes) TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY received_day
ORDER BY (tenant, intDiv(start_time_unix_nano, 300000000000), trace_id, start_time_unix_nano)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    non_replicated_deduplication_window = 10000, min_bytes_for_wide_part = 268435456, merge_selector_base = 16
AS WITH
    -- A varint of up to 64 bits (protobuf, Encoding), and a field of its own for each column that is no more.
    value -> arrayStringConcat(arrayMap(
        i -> char(bitOr(bitAnd(bitShiftRight(value, 7 * i), 127), if(bitShiftRight(value, 7 * (i + 1)) = 0, 0, 128))),
        range(greatest(1, toUInt32(ceil(log2(toFloat64(value) + 1) / 7)))))) AS varint
SELECT
    tenant, received_day, wal, seg, trace_id,
    CAST(concat(span_id, parent_span_id), 'FixedString(16)'),
    flags, service, name, kind, start_time_unix_nano,
    end_time_unix_nano - start_time_unix_nano,
    string_attributes, bool_attributes, int_attributes, double_attributes, status_code, status_message,
    CAST(CAST(concat(resource_hash, scope_hash), 'FixedString(32)'), 'LowCardinality(FixedString(32))'),
    concat(
        remainder,
        if(trace_state = '', '', concat(char(26), varint(length(trace_state)), trace_state)),
        if(dropped_attributes_count = 0, '', concat(char(80), varint(dropped_attributes_count))),
        if(dropped_events_count = 0, '', concat(char(96), varint(dropped_events_count))),
        if(dropped_links_count = 0, '', concat(char(112), varint(dropped_links_count))))
FROM spans
SETTINGS allow_suspicious_low_cardinality_types = 1
