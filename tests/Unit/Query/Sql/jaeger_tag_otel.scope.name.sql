SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND (scope_hash IN (SELECT hash
FROM scopes
WHERE tenant = {p0:String} AND name = {p1:String}) OR ((((mapContains(common_string_attributes, {p2:String}) AND common_string_attributes[{p2:String}] = {p1:String}) OR (mapContains(string_attributes, {p2:String}) AND string_attributes[{p2:String}] = {p1:String}) OR has(other_attributes, concat(unhex('A34DF078C694F99673'), {p1:String})))) OR (NOT (mapContains(common_string_attributes, {p2:String}) OR mapContains(string_attributes, {p2:String}) OR mapContains(bool_attributes, {p2:String}) OR mapContains(int_attributes, {p2:String}) OR mapContains(double_attributes, {p2:String}) OR has(other_attributes, unhex('A34DF078C694F996'))) AND resource_hash IN (SELECT hash
FROM resources
WHERE tenant = {p0:String} AND (((mapContains(string_attributes, {p2:String}) AND string_attributes[{p2:String}] = {p1:String}) OR has(other_attributes, concat(unhex('A34DF078C694F99673'), {p1:String})))))))) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = lib
-- p2 = otel.scope.name
