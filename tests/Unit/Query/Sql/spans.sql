SELECT tenant, received_day, wal, seg, trace_id, span_id, parent_span_id, trace_state, flags, service, name, kind, start_time_unix_nano, end_time_unix_nano, string_attributes, bool_attributes, int_attributes, double_attributes, dropped_attributes_count, dropped_events_count, dropped_links_count, status_code, status_message, resource_hash, scope_hash, remainder
FROM spans
WHERE tenant = {p0:String} AND trace_id IN (unhex('00000000000000010000000000000002'), unhex('000000000000aaaa000000000000bbbb')) LIMIT 1000
-- p0 = 
