SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND (((mapContains(common_string_attributes, {p4:String}) AND common_string_attributes[{p4:String}] = {p5:String}) OR (mapContains(string_attributes, {p4:String}) AND string_attributes[{p4:String}] = {p5:String}) OR has(other_attributes, concat(unhex('26092A72E9B84A0D73'), {p5:String}))) OR (NOT (mapContains(common_string_attributes, {p4:String}) OR mapContains(string_attributes, {p4:String}) OR mapContains(bool_attributes, {p4:String}) OR mapContains(int_attributes, {p4:String}) OR mapContains(double_attributes, {p4:String}) OR has(other_attributes, unhex('26092A72E9B84A0D'))) AND resource_hash IN (SELECT hash
FROM resources
WHERE tenant = {p0:String} AND ((mapContains(string_attributes, {p4:String}) AND string_attributes[{p4:String}] = {p5:String}) OR has(other_attributes, concat(unhex('26092A72E9B84A0D73'), {p5:String})))))) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 0
-- p2 = 1
-- p3 = 2
-- p4 = region
-- p5 = eu
