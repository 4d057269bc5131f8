SELECT trace_id, max(start_time_unix_nano) AS newest
FROM (SELECT *, CAST(substring(span_ids, 9, 8), 'FixedString(8)') AS parent_span_id, CAST(substring(origin, 1, 16), 'FixedString(16)') AS resource_hash, CAST(substring(origin, 17, 16), 'FixedString(16)') AS scope_hash
FROM recent)
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND (resource_hash IN (SELECT hash
FROM resources
WHERE tenant = {p0:String} AND ((mapContains(string_attributes, {p4:String}) AND string_attributes[{p4:String}] = {p5:String}) OR has(other_attributes, concat(unhex('245BD3C2CD7D439F73'), {p5:String})))) AND if(start_time_unix_nano + duration > start_time_unix_nano, duration, 0) > {p6:Int64}) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 0
-- p2 = 1
-- p3 = 2
-- p4 = host.name
-- p5 = a
-- p6 = 1000000000
