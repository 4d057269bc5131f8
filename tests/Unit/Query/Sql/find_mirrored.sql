SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND start_time_unix_nano >= {p1:UInt64} AND start_time_unix_nano < {p2:UInt64} AND if(start_time_unix_nano + duration > start_time_unix_nano, duration, 0) > {p3:Int64} GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 1
-- p2 = 2
-- p3 = 100000000
