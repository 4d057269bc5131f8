-- E/K: like split, but a span's keys are one dictionary entry (keys joined by U+0001), and its values lie in arrays: words, texts, ints, doubles, bools.
-- @like split

-- @block
SELECT
    toLowCardinality('') AS tenant, toDate(intDiv(start, 1000000000)) AS received_day, toUInt64(81985529216486895) AS wal, toUInt64(intDiv(window, 5) + 1) AS seg,
    trace_id, concat(span_id, parent_span_id)::FixedString(16) AS span_ids, toLowCardinality('') AS trace_state, toUInt32(257) AS flags,
    toLowCardinality(service) AS service, toLowCardinality(name) AS name, kind,
    start AS start_time_unix_nano, duration,
    toLowCardinality(arrayStringConcat(arrayFilter((k, v) -> length(v) != 16, string_keys, string_values), '\x01')) AS word_keys,
    CAST(arrayFilter(v -> length(v) != 16, string_values), 'Array(LowCardinality(String))') AS word_values,
    toLowCardinality(arrayStringConcat(arrayFilter((k, v) -> length(v) = 16, string_keys, string_values), '\x01')) AS text_keys,
    arrayFilter(v -> length(v) = 16, string_values) AS text_values,
    toLowCardinality(arrayStringConcat(bool_keys, '\x01')) AS bool_keys, bool_values,
    toLowCardinality(arrayStringConcat(int_keys, '\x01')) AS int_keys, int_values,
    toLowCardinality(arrayStringConcat(double_keys, '\x01')) AS double_keys, double_values,
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
    word_keys LowCardinality(String) CODEC(ZSTD(1)),
    word_values Array(LowCardinality(String)) CODEC(ZSTD(1)),
    text_keys LowCardinality(String) CODEC(ZSTD(1)),
    text_values Array(String) CODEC(ZSTD(1)),
    bool_keys LowCardinality(String) CODEC(ZSTD(1)),
    bool_values Array(Bool) CODEC(ZSTD(1)),
    int_keys LowCardinality(String) CODEC(ZSTD(1)),
    int_values Array(Int64) CODEC(T64, ZSTD(1)),
    double_keys LowCardinality(String) CODEC(ZSTD(1)),
    double_values Array(Float64) CODEC(ZSTD(1)),
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
    INDEX trace_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX text_bloom text_values TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX word_bloom word_values TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY received_day
ORDER BY ({order})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, non_replicated_deduplication_window = 10000{settings}

-- @string_equals
((has(word_values, '{value}') AND word_values[indexOf(splitByChar('\x01', word_keys), '{key}')] = '{value}') OR (has(text_values, '{value}') AND text_values[indexOf(splitByChar('\x01', text_keys), '{key}')] = '{value}'))

-- @tag_names
SELECT DISTINCT arrayJoin(arrayConcat(splitByChar('\x01', w), splitByChar('\x01', t), splitByChar('\x01', b), splitByChar('\x01', i), splitByChar('\x01', d))) FROM (SELECT DISTINCT word_keys AS w, text_keys AS t, bool_keys AS b, int_keys AS i, double_keys AS d FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to})

-- @tag_values
SELECT DISTINCT word_values[indexOf(splitByChar('\x01', word_keys), '{key}') AS place] FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to} AND place > 0 LIMIT 1000
