SELECT CAST(of, 'String') AS type, CAST(one, 'String') AS value
FROM (SELECT pair.1 AS of, pair.2 AS one
FROM (SELECT DISTINCT arrayJoin(arrayConcat(if(mapContains(common_string_attributes, {p0:String}), [('string', toString(common_string_attributes[{p0:String}]))], []), if(mapContains(string_attributes, {p0:String}), [('string', toString(string_attributes[{p0:String}]))], []), if(mapContains(bool_attributes, {p0:String}), [('bool', toString(bool_attributes[{p0:String}]))], []), if(mapContains(int_attributes, {p0:String}), [('int', toString(int_attributes[{p0:String}]))], []), if(mapContains(double_attributes, {p0:String}), [('float', toString(double_attributes[{p0:String}]))], []))) AS pair
FROM spans
WHERE tenant = {p1:String} AND indexHint(time_bucket >= {p2:UInt64} AND time_bucket <= {p2:UInt64}) AND start_time_unix_nano >= {p3:UInt64} AND start_time_unix_nano <= {p4:UInt64} AND name = {p0:String}))
WHERE one != '' AND length(one) <= 256 ORDER BY type, value LIMIT 10 SETTINGS max_execution_time = 5, timeout_overflow_mode = 'break'
-- p0 = a
-- p1 = 
-- p2 = 0
-- p3 = 1
-- p4 = 2
