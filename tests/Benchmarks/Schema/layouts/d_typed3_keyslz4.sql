-- key lists LZ4
-- @like maps
-- @shape d_typed3

-- @block
SELECT
    toLowCardinality('') AS tenant, toDate(intDiv(start, 1000000000)) AS received_day, toUInt64(81985529216486895) AS wal, toUInt64(intDiv(window, 5) + 1) AS seg,
    trace_id, concat(span_id, parent_span_id)::FixedString(16) AS span_ids, toUInt32(257) AS flags,
    toLowCardinality(service) AS service, toLowCardinality(name) AS name, kind, start AS start_time_unix_nano, duration,
    toLowCardinality(concat('\x1F', arrayStringConcat(string_keys, '\x1F'), '\x1F')) AS string_keys, string_values,
    toLowCardinality(concat('\x1F', arrayStringConcat(arrayConcat(arrayMap(k -> concat('i', k), int_keys), arrayMap(k -> concat('b', k), bool_keys)), '\x1F'), '\x1F')) AS int_keys, arrayConcat(int_values, CAST(bool_values, 'Array(Int64)')) AS int_values,
    toLowCardinality(concat('\x1F', arrayStringConcat(double_keys, '\x1F'), '\x1F')) AS double_keys, double_values,
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
    string_keys LowCardinality(String) CODEC(LZ4),
    int_keys LowCardinality(String) CODEC(LZ4),
    double_keys LowCardinality(String) CODEC(LZ4),
    string_values Array(String) CODEC(ZSTD(3)),
    int_values Array(Int64) CODEC(T64, ZSTD(1)),
    double_values Array(Float64) CODEC(ZSTD(1)),
    status_code Int32 CODEC(ZSTD(1)),
    status_message String CODEC(ZSTD(1)),
    origin LowCardinality(FixedString(32)) CODEC(ZSTD(1)),
    remainder String CODEC(ZSTD(1)),
    INDEX seg_range seg TYPE minmax GRANULARITY 1,
    INDEX start_range start_time_unix_nano TYPE minmax GRANULARITY 1,
    INDEX trace_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX string_bloom string_values TYPE bloom_filter(0.01) GRANULARITY 1
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
has(string_values, '{value}') AND string_values[countSubstrings(extract(string_keys, '^(.*\x1F){key_pattern}\x1F'), '\x1F')] = '{value}'

-- @string_regex
position(string_keys, '\x1F{key}\x1F') > 0 AND match(string_values[countSubstrings(extract(string_keys, '^(.*\x1F){key_pattern}\x1F'), '\x1F')], '{value}')

-- @number_at_least
position(int_keys, '\x1Fi{key}\x1F') > 0 AND int_values[countSubstrings(extract(int_keys, '^(.*\x1F)i{key_pattern}\x1F'), '\x1F')] >= {value}

-- @exists
position(int_keys, '\x1Fi{key}\x1F') > 0

-- @bool_equals
position(int_keys, '\x1Fb{key}\x1F') > 0 AND int_values[countSubstrings(extract(int_keys, '^(.*\x1F)b{key_pattern}\x1F'), '\x1F')] = {value}

-- @tag_names
SELECT DISTINCT arrayJoin(splitByChar('\x1F', k::String)) FROM (SELECT DISTINCT string_keys AS k FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to}) UNION DISTINCT SELECT DISTINCT arrayJoin(splitByChar('\x1F', k::String)) FROM (SELECT DISTINCT int_keys AS k FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to}) UNION DISTINCT SELECT DISTINCT arrayJoin(splitByChar('\x1F', k::String)) FROM (SELECT DISTINCT double_keys AS k FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to})

-- @attributes
SELECT string_keys, string_values, int_keys, int_values, double_keys, double_values FROM spans WHERE trace_id = unhex('{trace_id}')

-- @tag_values
SELECT DISTINCT string_values[countSubstrings(extract(string_keys, '^(.*\x1F){key_pattern}\x1F'), '\x1F')] FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to} AND position(string_keys, '\x1F{key}\x1F') > 0 LIMIT 1000
