SELECT trace_id, span_ids, service, name, kind, start_time_unix_nano, duration, status_code, origin, CAST(tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p2:UInt64}) AND start_time_unix_nano >= {p3:UInt64} AND start_time_unix_nano <= {p4:UInt64} AND name = {p5:String}, 'UInt8') AS matched
FROM spans
WHERE tenant = {p0:String} AND trace_id IN (x'00000000000000010000000000000002', x'000000000000aaaa000000000000bbbb') ORDER BY trace_id, parent_span_id, start_time_unix_nano LIMIT 1000 BY trace_id
-- p0 = 
-- p1 = 1700000100
-- p2 = 1700000456
-- p3 = 1700000123000000000
-- p4 = 1700000456000000001
-- p5 = a
