SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND ((((mapContains(common_string_attributes, {p1:String}) AND common_string_attributes[{p1:String}] = {p2:String}) OR (mapContains(string_attributes, {p1:String}) AND string_attributes[{p1:String}] = {p2:String}) OR has(other_attributes, concat(unhex('26092A72E9B84A0D73'), {p2:String}))) OR (NOT (mapContains(common_string_attributes, {p1:String}) OR mapContains(string_attributes, {p1:String}) OR mapContains(bool_attributes, {p1:String}) OR mapContains(int_attributes, {p1:String}) OR mapContains(double_attributes, {p1:String}) OR has(other_attributes, unhex('26092A72E9B84A0D'))) AND resource_hash IN (unhex('AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'), unhex('AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')))) AND resource_hash IN (SELECT hash
FROM resources
WHERE tenant = {p0:String} AND ((mapContains(string_attributes, {p3:String}) AND string_attributes[{p3:String}] != {p4:String}) OR arrayExists(other -> startsWith(other, unhex('967FEB04C03E27B273')) AND substring(other, 10) != {p4:String}, other_attributes)))) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = region
-- p2 = eu
-- p3 = host
-- p4 = a
