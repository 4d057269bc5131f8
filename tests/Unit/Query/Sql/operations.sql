SELECT DISTINCT name, kind
FROM operations
WHERE tenant = {p0:String} AND service = {p1:String} ORDER BY name, kind
-- p0 = 
-- p1 = shop
