SELECT concat(toString(countIf(((mapContains(string_attributes, {p0:String}) AND string_attributes[{p0:String}] = {p1:String}) OR has(other_attributes, concat({p0:String}, '\0s', {p1:String})))) > 0), toString(countIf(((mapContains(string_attributes, {p2:String}) AND string_attributes[{p2:String}] != {p3:String}) OR arrayExists(other -> startsWith(other, concat({p2:String}, '\0s')) AND substring(other, 7) != {p3:String}, other_attributes))) > 0), '')
FROM resources
WHERE tenant = {p4:String}
-- p0 = region
-- p1 = eu
-- p2 = host
-- p3 = a
-- p4 = 
