-- 1: four typed maps
-- @like maps

-- @block
SELECT
    toLowCardinality('') AS tenant, toDate(intDiv(start, 1000000000)) AS received_day, toUInt64(81985529216486895) AS wal, toUInt64(intDiv(window, 5) + 1) AS seg,
    trace_id, concat(span_id, parent_span_id)::FixedString(16) AS span_ids, toUInt32(257) AS flags,
    toLowCardinality(service) AS service, toLowCardinality(name) AS name, kind, start AS start_time_unix_nano, duration,
    CAST((string_keys, string_values), 'Map(LowCardinality(String), String)') AS string_attributes,
    CAST((int_keys, int_values), 'Map(LowCardinality(String), Int64)') AS int_attributes,
    CAST((double_keys, double_values), 'Map(LowCardinality(String), Float64)') AS double_attributes,
    CAST((bool_keys, bool_values), 'Map(LowCardinality(String), Bool)') AS bool_attributes,
    status_code, status_message, toLowCardinality(concat(resource_hash, scope_hash)::FixedString(32)) AS origin, remainder

-- @create
CREATE TABLE spans
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
    string_attributes Map(LowCardinality(String), String) CODEC(ZSTD(3)),
    int_attributes Map(LowCardinality(String), Int64) CODEC(ZSTD(1)),
    double_attributes Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
    bool_attributes Map(LowCardinality(String), Bool) CODEC(ZSTD(1)),
    status_code Int32 CODEC(ZSTD(1)),
    status_message String CODEC(ZSTD(1)),
    origin LowCardinality(FixedString(32)) CODEC(ZSTD(1)),
    remainder String CODEC(ZSTD(1)),
    INDEX seg_range seg TYPE minmax GRANULARITY 1,
    INDEX start_range start_time_unix_nano TYPE minmax GRANULARITY 1,
    INDEX trace_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX string_bloom mapValues(string_attributes) TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY received_day
ORDER BY ({order})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, non_replicated_deduplication_window = 10000{settings}

-- @settings
min_bytes_for_wide_part = 268435456, merge_selector_base = 16

-- @order
tenant, intDiv(start_time_unix_nano, 300000000000), trace_id, start_time_unix_nano

-- @service_duration
service = '{service}' AND toInt64(duration) >= {duration}

-- @string_equals
mapContains(string_attributes, '{key}') AND string_attributes['{key}'] = '{value}'

-- @string_regex
mapContains(string_attributes, '{key}') AND match(string_attributes['{key}'], '{value}')

-- @number_at_least
mapContains(int_attributes, '{key}') AND int_attributes['{key}'] >= {value}

-- @exists
mapContains(int_attributes, '{key}')

-- @bool_equals
mapContains(bool_attributes, '{key}') AND bool_attributes['{key}'] = {value}

-- @tag_names
SELECT arrayJoin(arrayConcat(groupUniqArrayArray(string_attributes.keys), groupUniqArrayArray(int_attributes.keys), groupUniqArrayArray(double_attributes.keys), groupUniqArrayArray(bool_attributes.keys))) FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to}

-- @attributes
SELECT string_attributes, int_attributes, double_attributes, bool_attributes FROM spans WHERE trace_id = unhex('{trace_id}')

-- @tag_values
SELECT DISTINCT string_attributes['{key}'] FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to} AND mapContains(string_attributes, '{key}') LIMIT 1000
