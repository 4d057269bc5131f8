SELECT trace_id, span_ids, service, name, kind, start_time_unix_nano, duration, status_code, CAST(tenant = {p0:String} AND name = {p1:String}, 'UInt8') AS matched
FROM spans
WHERE tenant = {p0:String} AND trace_id IN (unhex('00000000000000010000000000000002'), unhex('000000000000aaaa000000000000bbbb')) ORDER BY trace_id, parent_span_id, start_time_unix_nano LIMIT 1000 BY trace_id
-- p0 = 
-- p1 = a
