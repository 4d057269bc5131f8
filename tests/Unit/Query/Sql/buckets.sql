SELECT DISTINCT toUInt16(received_day), time_bucket
FROM trace_buckets
WHERE tenant = {p0:String} AND trace_hash IN (3253779544, 108267835) LIMIT 1000 SETTINGS max_threads = 1, enable_analyzer = 0
-- p0 = 
