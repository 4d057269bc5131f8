-- F: tuned by ten minutes; span attributes as JSON with all paths in shared data, `advanced`.
-- @like tuned_10min

-- @block
SELECT
    toLowCardinality('') AS tenant, toDate(intDiv(start, 1000000000)) AS received_day, toUInt64(81985529216486895) AS wal, toUInt64(intDiv(window, 5) + 1) AS seg,
    trace_id, concat(span_id, parent_span_id)::FixedString(16) AS span_ids, toLowCardinality('') AS trace_state, toUInt32(257) AS flags,
    toLowCardinality(service) AS service, toLowCardinality(name) AS name, kind,
    start AS start_time_unix_nano, duration,
    concat('{', arrayStringConcat(arrayConcat(
        arrayMap((k, v) -> concat(toJSONString(k), ':', toJSONString(v)), string_keys, string_values),
        arrayMap((k, v) -> concat(toJSONString(k), ':', toString(v)), int_keys, int_values),
        arrayMap((k, v) -> concat(toJSONString(k), ':', if(v, 'true', 'false')), bool_keys, bool_values),
        arrayMap((k, v) -> concat(toJSONString(k), ':', toString(v)), double_keys, double_values)), ','), '}')::JSON(max_dynamic_paths=0) AS attributes,
    toUInt32(0) AS dropped_attributes_count, toUInt32(0) AS dropped_events_count, toUInt32(0) AS dropped_links_count,
    status_code, status_message, toLowCardinality(resource_hash) AS resource_hash, toLowCardinality(scope_hash) AS scope_hash, remainder

-- @create
CREATE TABLE spans
(
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    received_day Date CODEC(ZSTD(1)),
    wal UInt64 CODEC(ZSTD(1)),
    seg UInt64 CODEC(Delta, ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_ids FixedString(16) CODEC(ZSTD(1)),
    trace_state LowCardinality(String) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    kind Int32 CODEC(T64, ZSTD(1)),
    start_time_unix_nano UInt64 CODEC(Delta, ZSTD(1)),
    duration UInt64 CODEC(T64, ZSTD(1)),
    attributes {json} CODEC(ZSTD(1)),
    dropped_attributes_count UInt32 CODEC(ZSTD(1)),
    dropped_events_count UInt32 CODEC(ZSTD(1)),
    dropped_links_count UInt32 CODEC(ZSTD(1)),
    status_code Int32 CODEC(ZSTD(1)),
    status_message String CODEC(ZSTD(1)),
    resource_hash LowCardinality(FixedString(16)) CODEC(ZSTD(1)),
    scope_hash LowCardinality(FixedString(16)) CODEC(ZSTD(1)),
    remainder String CODEC(ZSTD(1)),
    INDEX seg_range seg TYPE minmax GRANULARITY 1,
    INDEX start_range start_time_unix_nano TYPE minmax GRANULARITY 1,
    INDEX trace_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY received_day
ORDER BY ({order})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, non_replicated_deduplication_window = 10000{settings}

-- @json
JSON(max_dynamic_paths=0)

-- @settings
object_serialization_version = 'v3', object_shared_data_serialization_version = 'advanced', object_shared_data_serialization_version_for_zero_level_parts = 'advanced'

-- @string_equals
attributes.`{key}`::String = '{value}'

-- @tag_names
SELECT DISTINCT arrayJoin(JSONAllPaths(attributes)) FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to}

-- @tag_values
SELECT DISTINCT attributes.`{key}`::String AS v FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to} AND v != '' LIMIT 1000
