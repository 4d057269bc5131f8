SELECT concat(toString(countIf(((mapContains(string_attributes, {p0:String}) AND string_attributes[{p0:String}] = {p1:String}))) > 0), toString(countIf(((mapContains(string_attributes, {p2:String}) AND string_attributes[{p2:String}] != {p3:String}))) > 0), '')
FROM resources
WHERE tenant = {p4:String}
-- p0 = region
-- p1 = eu
-- p2 = host
-- p3 = a
-- p4 = 
