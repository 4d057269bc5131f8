SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND start_time_unix_nano >= {p1:UInt64} AND start_time_unix_nano < {p2:UInt64} AND (match(name, {p3:String}) AND ((mapContains(common_string_attributes, {p4:String}) AND NOT match(common_string_attributes[{p4:String}], {p5:String})) OR (mapContains(string_attributes, {p4:String}) AND NOT match(string_attributes[{p4:String}], {p5:String})))) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 1
-- p2 = 2
-- p3 = ^(?:GET .*)$
-- p4 = a
-- p5 = ^(?:x|y)$
