SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND start_time_unix_nano >= {p1:UInt64} AND start_time_unix_nano < {p2:UInt64} AND ((service != {p3:String} AND service != 'unknown_service') AND (((mapContains(int_attributes, {p4:String}) AND int_attributes[{p4:String}] != {p5:Int64}) OR (mapContains(double_attributes, {p4:String}) AND double_attributes[{p4:String}] != {p5:Int64})) OR (NOT (mapContains(common_string_attributes, {p4:String}) OR mapContains(string_attributes, {p4:String}) OR mapContains(bool_attributes, {p4:String}) OR mapContains(int_attributes, {p4:String}) OR mapContains(double_attributes, {p4:String})) AND false))) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 1
-- p2 = 2
-- p3 = shop
-- p4 = service.name
-- p5 = 5
