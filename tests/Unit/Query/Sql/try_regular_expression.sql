SELECT concat(replaceRegexpOne('', {p0:String}, ''), replaceRegexpOne('', {p1:String}, ''))
-- p0 = a|b
-- p1 = ^(?:a|b)$
