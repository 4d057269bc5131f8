SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND service = {p4:String} AND trace_id IN (SELECT trace_id
FROM spans
WHERE tenant = {p0:String} AND trace_id IN (SELECT trace_id
FROM spans
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND service = {p4:String}) GROUP BY trace_id HAVING max(greatest(start_time_unix_nano, start_time_unix_nano + duration)) - min(start_time_unix_nano) >= {p5:Int64} AND max(greatest(start_time_unix_nano, start_time_unix_nano + duration)) - min(start_time_unix_nano) <= {p6:Int64} AND (countIf(parent_span_id = unhex('0000000000000000')) > 0 AND argMinIf(name, (start_time_unix_nano, span_ids), parent_span_id = unhex('0000000000000000')) = {p7:String}) AND (countIf(parent_span_id = unhex('0000000000000000')) > 0 AND argMinIf(service, (start_time_unix_nano, span_ids), parent_span_id = unhex('0000000000000000')) = {p8:String})) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 0
-- p2 = 1
-- p3 = 2
-- p4 = a
-- p5 = 5
-- p6 = 6
-- p7 = x
-- p8 = y
