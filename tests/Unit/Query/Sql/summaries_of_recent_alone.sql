SELECT trace_id, span_ids, service, name, kind, start_time_unix_nano, duration, status_code, origin, CAST(tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND name = {p4:String}, 'UInt8') AS matched
FROM (SELECT tenant, time_bucket, trace_id, span_ids, service, name, kind, start_time_unix_nano, duration, status_code, origin, CAST(substring(span_ids, 9, 8), 'FixedString(8)') AS parent_span_id, CAST(substring(origin, 1, 16), 'FixedString(16)') AS resource_hash, CAST(substring(origin, 17, 16), 'FixedString(16)') AS scope_hash
FROM recent UNION ALL SELECT tenant, time_bucket, trace_id, span_ids, service, name, kind, start_time_unix_nano, duration, status_code, origin, parent_span_id, resource_hash, scope_hash
FROM spans
WHERE false AND NOT (wal = {p5:UInt64} AND seg >= {p6:UInt64} AND seg <= {p7:UInt64}))
WHERE tenant = {p0:String} AND trace_id IN (x'00000000000000010000000000000002', x'000000000000aaaa000000000000bbbb') ORDER BY trace_id, parent_span_id, start_time_unix_nano LIMIT 1000 BY trace_id
-- p0 = 
-- p1 = 0
-- p2 = 1
-- p3 = 2
-- p4 = a
-- p5 = 7
-- p6 = 8
-- p7 = 9
