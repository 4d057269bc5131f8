SELECT match('', {p0:String}) OR match('', {p1:String})
-- p0 = a|b
-- p1 = ^(?:a|b)$
