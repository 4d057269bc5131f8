SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND NOT (status_code = {p1:Int64} OR ((((mapContains(common_string_attributes, {p2:String}) AND common_string_attributes[{p2:String}] = {p3:String}) OR (mapContains(string_attributes, {p2:String}) AND string_attributes[{p2:String}] = {p3:String}) OR has(other_attributes, concat(unhex('22EE27259BE2886373'), {p3:String}))) OR ((mapContains(bool_attributes, {p2:String}) AND bool_attributes[{p2:String}] = true) OR has(other_attributes, unhex('22EE27259BE288636231')))) OR (NOT (mapContains(common_string_attributes, {p2:String}) OR mapContains(string_attributes, {p2:String}) OR mapContains(bool_attributes, {p2:String}) OR mapContains(int_attributes, {p2:String}) OR mapContains(double_attributes, {p2:String}) OR has(other_attributes, unhex('22EE27259BE28863'))) AND resource_hash IN (SELECT hash
FROM resources
WHERE tenant = {p0:String} AND (((mapContains(string_attributes, {p2:String}) AND string_attributes[{p2:String}] = {p3:String}) OR has(other_attributes, concat(unhex('22EE27259BE2886373'), {p3:String}))) OR ((mapContains(bool_attributes, {p2:String}) AND bool_attributes[{p2:String}] = true) OR has(other_attributes, unhex('22EE27259BE288636231')))))))) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 2
-- p2 = error
-- p3 = true
