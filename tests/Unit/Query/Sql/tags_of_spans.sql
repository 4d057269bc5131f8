SELECT CAST(tag, 'String') AS name
FROM (SELECT DISTINCT name AS tag
FROM attribute_values
WHERE tenant = {p0:String} AND received_day >= toDate({p1:UInt64}) AND scope = {p2:String}) ORDER BY name LIMIT 10 SETTINGS max_execution_time = 5, timeout_overflow_mode = 'break'
-- p0 = 
-- p1 = 0
-- p2 = span
