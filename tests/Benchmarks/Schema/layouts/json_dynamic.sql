-- F: as json_shared, but every path a dynamic column of its own (the JSON type as it comes).
-- @like json_shared
-- @json JSON
-- @settings object_serialization_version = 'v3'

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
        arrayMap((k, v) -> concat(toJSONString(k), ':', toString(v)), double_keys, double_values)), ','), '}')::JSON AS attributes,
    toUInt32(0) AS dropped_attributes_count, toUInt32(0) AS dropped_events_count, toUInt32(0) AS dropped_links_count,
    status_code, status_message, toLowCardinality(resource_hash) AS resource_hash, toLowCardinality(scope_hash) AS scope_hash, remainder
