SELECT trace_id, span_ids, flags, service, name, kind, start_time_unix_nano, duration, common_string_attributes, string_attributes, bool_attributes, int_attributes, double_attributes, status_code, status_message, origin, remainder
FROM spans
WHERE tenant = {p0:String} AND indexHint(received_day IN (toDate(20419), toDate(20420)) AND time_bucket IN (600, 900)) AND trace_id IN (x'00000000000000010000000000000002', x'000000000000aaaa000000000000bbbb') AND NOT (wal = {p1:UInt64} AND seg >= {p2:UInt64} AND seg <= {p3:UInt64}) LIMIT 1000 SETTINGS max_threads = 1, enable_analyzer = 0
-- p0 = 
-- p1 = 7
-- p2 = 8
-- p3 = 9
