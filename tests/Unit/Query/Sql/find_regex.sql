SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND (match(name, {p4:String}) AND ((mapContains(common_string_attributes, {p5:String}) AND NOT match(common_string_attributes[{p5:String}], {p6:String})) OR (mapContains(string_attributes, {p5:String}) AND NOT match(string_attributes[{p5:String}], {p6:String})) OR arrayExists(other -> startsWith(other, unhex('E6C632B61E964E1F73')) AND NOT match(substring(other, 10), {p6:String}), other_attributes))) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 0
-- p2 = 1
-- p3 = 2
-- p4 = ^(?:GET .*)$
-- p5 = a
-- p6 = ^(?:x|y)$
