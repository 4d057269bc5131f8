SELECT CAST(of, 'String') AS type, CAST(one, 'String') AS value
FROM (SELECT DISTINCT type AS of, value AS one
FROM attribute_values
WHERE tenant = {p0:String} AND received_day >= toDate({p1:UInt64}) AND scope = {p2:String} AND name = {p3:String} AND type != '')
WHERE one != '' AND length(one) <= 256 ORDER BY type, value LIMIT 10 SETTINGS max_execution_time = 5, timeout_overflow_mode = 'break'
-- p0 = 
-- p1 = 0
-- p2 = span
-- p3 = a
