SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND (((mapContains(common_string_attributes, {p1:String}) AND common_string_attributes[{p1:String}] = {p2:String}) OR (mapContains(string_attributes, {p1:String}) AND string_attributes[{p1:String}] = {p2:String}) OR has(other_attributes, concat(unhex('26092A72E9B84A0D73'), {p2:String}))) AND false) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = region
-- p2 = eu
