SELECT concat(arrayStringConcat(arrayMap(one -> hex(one), groupUniqArrayIf(201)(hash, ((mapContains(string_attributes, {p0:String}) AND string_attributes[{p0:String}] = {p1:String}) OR has(other_attributes, concat(unhex('26092A72E9B84A0D73'), {p1:String})))))), ',', arrayStringConcat(arrayMap(one -> hex(one), groupUniqArrayIf(201)(hash, ((mapContains(string_attributes, {p2:String}) AND string_attributes[{p2:String}] != {p3:String}) OR arrayExists(other -> startsWith(other, unhex('967FEB04C03E27B273')) AND substring(other, 10) != {p3:String}, other_attributes))))), '')
FROM resources
WHERE tenant = {p4:String}
-- p0 = region
-- p1 = eu
-- p2 = host
-- p3 = a
-- p4 = 
