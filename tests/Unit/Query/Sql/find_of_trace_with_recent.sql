SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND service = {p4:String} AND trace_id IN (SELECT trace_id
FROM (SELECT tenant, trace_id, span_ids, name, start_time_unix_nano, CAST(substring(span_ids, 9, 8), 'FixedString(8)') AS parent_span_id, CAST(substring(origin, 1, 16), 'FixedString(16)') AS resource_hash, CAST(substring(origin, 17, 16), 'FixedString(16)') AS scope_hash
FROM recent UNION ALL SELECT tenant, trace_id, span_ids, name, start_time_unix_nano, parent_span_id, resource_hash, scope_hash
FROM spans
WHERE true)
WHERE tenant = {p0:String} AND trace_id IN (SELECT trace_id
FROM spans
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND service = {p4:String}) GROUP BY trace_id HAVING (countIf(parent_span_id = unhex('0000000000000000')) > 0 AND argMinIf(name, (start_time_unix_nano, span_ids), parent_span_id = unhex('0000000000000000')) = {p5:String})) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 0
-- p2 = 1
-- p3 = 2
-- p4 = a
-- p5 = x
