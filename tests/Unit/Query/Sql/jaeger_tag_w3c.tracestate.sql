SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND ((position(remainder, unhex({p1:String})) > 0) OR ((((mapContains(common_string_attributes, {p2:String}) AND common_string_attributes[{p2:String}] = {p3:String}) OR (mapContains(string_attributes, {p2:String}) AND string_attributes[{p2:String}] = {p3:String}) OR has(other_attributes, concat(unhex('334F78C31FBCD3C873'), {p3:String})))) OR (NOT (mapContains(common_string_attributes, {p2:String}) OR mapContains(string_attributes, {p2:String}) OR mapContains(bool_attributes, {p2:String}) OR mapContains(int_attributes, {p2:String}) OR mapContains(double_attributes, {p2:String}) OR has(other_attributes, unhex('334F78C31FBCD3C8'))) AND resource_hash IN (SELECT hash
FROM resources
WHERE tenant = {p0:String} AND (((mapContains(string_attributes, {p2:String}) AND string_attributes[{p2:String}] = {p3:String}) OR has(other_attributes, concat(unhex('334F78C31FBCD3C873'), {p3:String})))))))) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 1A03613D62
-- p2 = w3c.tracestate
-- p3 = a=b
