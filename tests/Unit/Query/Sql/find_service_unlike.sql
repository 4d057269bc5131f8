SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND (service != {p4:String} AND (((mapContains(int_attributes, {p5:String}) AND int_attributes[{p5:String}] != {p6:Int64}) OR (mapContains(double_attributes, {p5:String}) AND double_attributes[{p5:String}] != {p6:Int64}) OR arrayExists(other -> startsWith(other, unhex('A0B2D22EDD31DD1269')) AND toInt64OrZero(substring(other, 10)) != {p6:Int64}, other_attributes) OR arrayExists(other -> startsWith(other, unhex('A0B2D22EDD31DD1264')) AND toFloat64OrZero(substring(other, 10)) != {p6:Int64}, other_attributes)) OR (NOT (mapContains(common_string_attributes, {p5:String}) OR mapContains(string_attributes, {p5:String}) OR mapContains(bool_attributes, {p5:String}) OR mapContains(int_attributes, {p5:String}) OR mapContains(double_attributes, {p5:String}) OR has(other_attributes, unhex('A0B2D22EDD31DD12'))) AND resource_hash IN (SELECT hash
FROM resources
WHERE tenant = {p0:String} AND ((mapContains(int_attributes, {p5:String}) AND int_attributes[{p5:String}] != {p6:Int64}) OR (mapContains(double_attributes, {p5:String}) AND double_attributes[{p5:String}] != {p6:Int64}) OR arrayExists(other -> startsWith(other, unhex('A0B2D22EDD31DD1269')) AND toInt64OrZero(substring(other, 10)) != {p6:Int64}, other_attributes) OR arrayExists(other -> startsWith(other, unhex('A0B2D22EDD31DD1264')) AND toFloat64OrZero(substring(other, 10)) != {p6:Int64}, other_attributes)))))) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 0
-- p2 = 1
-- p3 = 2
-- p4 = shop
-- p5 = service.name
-- p6 = 5
