SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND ((mapContains(bool_attributes, {p4:String}) AND bool_attributes[{p4:String}] = true) OR has(other_attributes, unhex('768B1F3ABE399D386231'))) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 0
-- p2 = 1
-- p3 = 2
-- p4 = retry
