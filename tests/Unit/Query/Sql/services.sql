SELECT DISTINCT service
FROM operations
WHERE tenant = {p0:String} ORDER BY service
-- p0 = 
