-- The spans table in smaller granules and blocks of compression, so that a look-up by ID reads a fifth; in wide parts from 64 MB on,
-- which merge column by column; in larger steps of merging. storage/decisions/0012 says why. What is stored is taken over, in one
-- statement: done again after a crash, it begins anew.
CREATE OR REPLACE TABLE spans_in_small_granules
(
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    received_day Date CODEC(ZSTD(1)),
    wal UInt64 CODEC(ZSTD(1)),
    seg UInt64 CODEC(Delta, ZSTD(1)),
    time_bucket UInt64 DEFAULT intDiv(start_time_unix_nano, 300000000000) * 300 CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_ids FixedString(16) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    kind Int32 CODEC(T64, ZSTD(1)),
    start_time_unix_nano UInt64 CODEC(Delta, ZSTD(1)),
    duration UInt64 CODEC(T64, ZSTD(1)),
    common_string_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)),
    string_attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    bool_attributes Map(LowCardinality(String), Bool) CODEC(ZSTD(1)),
    int_attributes Map(LowCardinality(String), Int64) CODEC(ZSTD(1)),
    double_attributes Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    other_attributes Array(String) CODEC(ZSTD(1)),
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
    INDEX string_bloom mapValues(string_attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX common_string_bloom mapValues(common_string_attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX other_bloom other_attributes TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY received_day
ORDER BY (tenant, time_bucket, trace_id, start_time_unix_nano)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    non_replicated_deduplication_window = 10000, merge_selector_base = 128, min_bytes_for_wide_part = 25165824,
    index_granularity = 2048, min_compress_block_size = 8192, max_compress_block_size = 65536, ratio_of_defaults_for_sparse_serialization = 1.0
AS SELECT
    tenant, received_day, wal, seg, time_bucket, trace_id, span_ids, flags, service, name, kind, start_time_unix_nano, duration,
    common_string_attributes, string_attributes, bool_attributes, int_attributes, double_attributes, other_attributes,
    status_code, status_message, origin, remainder
FROM spans
SETTINGS allow_suspicious_low_cardinality_types = 1, max_partitions_per_insert_block = 0
