SELECT CAST(of, 'String') AS type, CAST(one, 'String') AS value
FROM (SELECT DISTINCT 'string' AS of, name AS one
FROM operations
WHERE tenant = {p0:String} AND received_day >= toDate({p1:UInt64}))
WHERE one != '' AND length(one) <= 256 ORDER BY type, value LIMIT 10 SETTINGS max_execution_time = 5, timeout_overflow_mode = 'break'
-- p0 = 
-- p1 = 0
