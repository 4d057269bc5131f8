SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND start_time_unix_nano >= {p1:UInt64} AND start_time_unix_nano < {p2:UInt64} AND ((mapContains(string_attributes, {p3:String}) AND string_attributes[{p3:String}] = {p4:String}) OR (NOT (mapContains(string_attributes, {p5:String}) OR mapContains(bool_attributes, {p5:String}) OR mapContains(int_attributes, {p5:String}) OR mapContains(double_attributes, {p5:String})) AND resource_hash IN (SELECT hash
FROM resources
WHERE tenant = {p6:String} AND (mapContains(string_attributes, {p7:String}) AND string_attributes[{p7:String}] = {p8:String})))) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 1
-- p2 = 2
-- p3 = region
-- p4 = eu
-- p5 = region
-- p6 = 
-- p7 = region
-- p8 = eu
