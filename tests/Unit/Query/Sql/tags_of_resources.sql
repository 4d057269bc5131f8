SELECT CAST(tag, 'String') AS name
FROM (SELECT DISTINCT arrayJoin(arrayConcat(mapKeys(string_attributes), mapKeys(bool_attributes), mapKeys(int_attributes), mapKeys(double_attributes))) AS tag
FROM resources
WHERE tenant = {p0:String} AND received_day >= toDate({p1:UInt64})) ORDER BY name LIMIT 10 SETTINGS max_execution_time = 5, timeout_overflow_mode = 'break'
-- p0 = 
-- p1 = 0
