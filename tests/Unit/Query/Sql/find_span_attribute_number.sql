SELECT trace_id, max(start_time_unix_nano) AS newest
FROM spans
WHERE tenant = {p0:String} AND indexHint(time_bucket >= {p1:UInt64} AND time_bucket <= {p1:UInt64}) AND start_time_unix_nano >= {p2:UInt64} AND start_time_unix_nano <= {p3:UInt64} AND ((mapContains(int_attributes, {p4:String}) AND int_attributes[{p4:String}] >= {p5:Int64}) OR (mapContains(double_attributes, {p4:String}) AND double_attributes[{p4:String}] >= {p5:Int64}) OR arrayExists(other -> startsWith(other, unhex('E1753FD749835E3269')) AND toInt64OrZero(substring(other, 10)) >= {p5:Int64}, other_attributes) OR arrayExists(other -> startsWith(other, unhex('E1753FD749835E3264')) AND toFloat64OrZero(substring(other, 10)) >= {p5:Int64}, other_attributes)) GROUP BY trace_id ORDER BY newest DESC, trace_id LIMIT 20
-- p0 = 
-- p1 = 0
-- p2 = 1
-- p3 = 2
-- p4 = http.status_code
-- p5 = 500
