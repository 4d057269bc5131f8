SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND resource_hash IN (SELECT hash
FROM resources
WHERE tenant = {p0:String} AND ((mapContains(int_attributes, {p4:String}) AND int_attributes[{p4:String}] = {p5:Int64}) OR (mapContains(double_attributes, {p4:String}) AND double_attributes[{p4:String}] = {p5:Int64}) OR hasAny(other_attributes, [unhex('A0B2D22EDD31DD126937'), unhex('A0B2D22EDD31DD126437')]))) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 0
-- p2 = 1
-- p3 = 2
-- p4 = service.name
-- p5 = 7
