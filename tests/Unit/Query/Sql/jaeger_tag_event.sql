SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND ((position(remainder, unhex({p1:String})) > 0) OR ((((mapContains(common_string_attributes, {p2:String}) AND common_string_attributes[{p2:String}] = {p3:String}) OR (mapContains(string_attributes, {p2:String}) AND string_attributes[{p2:String}] = {p3:String}) OR has(other_attributes, concat(unhex('A14183D2C29A9A9673'), {p3:String})))) OR (NOT (mapContains(common_string_attributes, {p2:String}) OR mapContains(string_attributes, {p2:String}) OR mapContains(bool_attributes, {p2:String}) OR mapContains(int_attributes, {p2:String}) OR mapContains(double_attributes, {p2:String}) OR has(other_attributes, unhex('A14183D2C29A9A96'))) AND resource_hash IN (SELECT hash
FROM resources
WHERE tenant = {p0:String} AND (((mapContains(string_attributes, {p2:String}) AND string_attributes[{p2:String}] = {p3:String}) OR has(other_attributes, concat(unhex('A14183D2C29A9A9673'), {p3:String}))))))) OR (position(remainder, unhex({p4:String})) > 0)) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 12057265747279
-- p2 = event
-- p3 = retry
-- p4 = 1A100A056576656E7412070A057265747279
