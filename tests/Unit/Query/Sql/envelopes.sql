SELECT hash, any(otlp) AS otlp
FROM resources
WHERE tenant = {p0:String} AND hash IN (unhex('00000000000000000000000000000000')) GROUP BY hash
-- p0 = 
