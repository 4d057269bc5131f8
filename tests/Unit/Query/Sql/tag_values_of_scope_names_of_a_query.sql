SELECT CAST(of, 'String') AS type, CAST(one, 'String') AS value
FROM (SELECT DISTINCT 'string' AS of, name AS one
FROM scopes
WHERE tenant = {p0:String} AND received_day >= toDate({p1:UInt64}) AND hash IN (SELECT scope_hash
FROM spans
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND name = {p4:String}))
WHERE one != '' AND length(one) <= 256 ORDER BY type, value LIMIT 10 SETTINGS max_execution_time = 5, timeout_overflow_mode = 'break'
-- p0 = 
-- p1 = 0
-- p2 = 1
-- p3 = 2
-- p4 = a
