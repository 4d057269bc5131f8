-- A: the schema of migrations 1 to 5: four typed maps, end time, each reference a column of its own.

-- @block
SELECT
    toLowCardinality('') AS tenant, toDate(intDiv(start, 1000000000)) AS received_day, toUInt64(81985529216486895) AS wal, toUInt64(intDiv(window, 5) + 1) AS seg,
    trace_id, span_id, parent_span_id, '' AS trace_state, toUInt32(257) AS flags,
    toLowCardinality(service) AS service, toLowCardinality(name) AS name, kind,
    start AS start_time_unix_nano, start + duration AS end_time_unix_nano,
    CAST((string_keys, string_values), 'Map(LowCardinality(String), String)') AS string_attributes,
    CAST((bool_keys, bool_values), 'Map(LowCardinality(String), Bool)') AS bool_attributes,
    CAST((int_keys, int_values), 'Map(LowCardinality(String), Int64)') AS int_attributes,
    CAST((double_keys, double_values), 'Map(LowCardinality(String), Float64)') AS double_attributes,
    toUInt32(0) AS dropped_attributes_count, toUInt32(0) AS dropped_events_count, toUInt32(0) AS dropped_links_count,
    status_code, status_message, resource_hash, scope_hash, remainder

-- @create
CREATE TABLE spans
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
ORDER BY ({order})
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, non_replicated_deduplication_window = 10000{settings}

-- @order
tenant, intDiv(start_time_unix_nano, 3600000000000), trace_id, start_time_unix_nano

-- @read
*

-- @by_id
SELECT {read} FROM spans WHERE tenant = '' AND trace_id IN (unhex('{trace_id}')) LIMIT 10000

-- @find
SELECT trace_id, max(start_time_unix_nano) AS newest FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to} AND {predicate} GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20

-- @service_duration
service = '{service}' AND if(end_time_unix_nano > start_time_unix_nano, end_time_unix_nano - start_time_unix_nano, 0) >= {duration}

-- @string_equals
mapContains(string_attributes, '{key}') AND string_attributes['{key}'] = '{value}'

-- @tag_names
SELECT arrayJoin(arrayConcat(groupUniqArrayArray(string_attributes.keys), groupUniqArrayArray(bool_attributes.keys), groupUniqArrayArray(int_attributes.keys), groupUniqArrayArray(double_attributes.keys))) FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to}

-- @tag_values
SELECT DISTINCT string_attributes['{key}'] FROM spans WHERE tenant = '' AND start_time_unix_nano >= {from} AND start_time_unix_nano < {to} AND mapContains(string_attributes, '{key}') LIMIT 1000
