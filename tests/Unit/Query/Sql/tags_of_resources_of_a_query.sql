SELECT CAST(tag, 'String') AS name
FROM (SELECT DISTINCT arrayJoin(arrayConcat(mapKeys(string_attributes), mapKeys(bool_attributes), mapKeys(int_attributes), mapKeys(double_attributes))) AS tag
FROM resources
WHERE tenant = {p0:String} AND received_day >= toDate({p1:UInt64}) AND hash IN (SELECT resource_hash
FROM spans
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND name = {p4:String})) ORDER BY name LIMIT 10 SETTINGS max_execution_time = 5, timeout_overflow_mode = 'break'
-- p0 = 
-- p1 = 0
-- p2 = 1
-- p3 = 2
-- p4 = a
