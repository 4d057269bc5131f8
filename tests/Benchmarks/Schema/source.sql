-- The data that every layout is filled with: deterministic, by hash functions of row numbers.
-- Ten spans per trace; 20 services; a span's two-neighbour pairs share a service; arrival is in windows of 20,000 spans (2,000 traces), in
-- which each service instance's spans come together, as exporters send them. {first}, {count}: rows; {keys}: few or many.

-- @create
CREATE TABLE source
(
    window UInt32, service_number UInt8, instance UInt8, start UInt64, span_number UInt64,
    trace_id FixedString(16), span_id FixedString(8), parent_span_id FixedString(8),
    service String, name String, kind Int32, duration UInt64,
    string_keys Array(String), string_values Array(String),
    int_keys Array(String), int_values Array(Int64),
    bool_keys Array(String), bool_values Array(Bool),
    double_keys Array(String), double_values Array(Float64),
    status_code Int32, status_message String,
    resource_hash FixedString(16), scope_hash FixedString(16), remainder String
)
ENGINE = MergeTree ORDER BY (window, service_number, instance, start)

-- @fill
INSERT INTO source
WITH
    number + {first} AS k,
    intDiv(k, 10) AS t,
    k % 10 AS j,
    intDiv(j, 2) AS pair,
    x -> x / 18446744073709551616. AS unit,
    toUInt8(floor(20 * pow(unit(cityHash64(t, pair, 'service')), 1.5))) AS s,
    toUInt8(cityHash64(t, pair, 'instance') % 3) AS inst,
    cityHash64(k, 'operation') % 5 AS op,
    ['checkout','cart','catalog','payment','shipping','frontend','gateway','auth','search','recommend',
     'inventory','email','currency','ads','quote','billing','ledger','profile','media','fraud'][s + 1] AS svc,
    toUInt64(1795132800000000000) + t * 7200000 + cityHash64(t, 'jitter') % 50000000 AS trace_start,
    trace_start + if(j = 0, 0, 1000000 + cityHash64(k, 'offset') % 95000000) AS span_start,
    sqrt(-2 * log(unit(cityHash64(k, 'u1')) + 1e-12)) * cos(6.283185307 * unit(cityHash64(k, 'u2'))) AS z,
    toUInt64(exp(log(3e6) + 0.35 * op + 1.2 * z)) + 1000 + if(j = 0, 100000000, 0) AS took,
    lower(hex(sipHash64(k, 'request'))) AS unique_id,
    concat('key-', toString(toUInt64(exp(13.8 * unit(cityHash64(k, 'cache')))))) AS cache_key,
    cityHash64(k, 'has unique') % 3 < 2 AS has_unique,
    ['free','silver','gold'][cityHash64(t, 'tier') % 3 + 1] AS tier,
    concat('zone-', toString(cityHash64(t, pair, 'zone') % 8)) AS zone,
    multiIf(op < 2, ['GET','POST','PUT','DELETE','PATCH'][cityHash64(k, 'm') % 7 % 5 + 1], op = 2, ['postgresql','redis','mysql'][s % 3 + 1], op = 3, concat('run_', svc), 'kafka') AS first_value,
    multiIf(op < 2, concat('/api/', svc, '/', toString(op), '/{id}'), op = 2, ['SELECT','INSERT','UPDATE','GET'][cityHash64(k, 'o') % 4 + 1], op = 3, concat('worker-', toString(cityHash64(k, 'w') % 64)), concat(svc, '.events')) AS second_value,
    multiIf(op < 2, 'http.request.method', op = 2, 'db.system', op = 3, 'code.function', 'messaging.system') AS first_key,
    multiIf(op < 2, 'http.route', op = 2, 'db.operation', op = 3, 'thread.name', 'messaging.destination') AS second_key,
    [200, 200, 200, 200, 200, 201, 204, 404, 500, 503][cityHash64(k, 'status') % 10 + 1] AS http_status,
    toInt64(exp(log(2000) + 1.5 * z)) AS payload,
    p -> concat('app.', svc, '.attribute_', toString(op * 30 + if(p < 5, p, 5 + (p - 5) * 8 + cityHash64(k, p, 'key') % 8))) AS key_of
SELECT
    intDiv(k, 20000), s, inst, span_start, k,
    reinterpretAsFixedString(sipHash128(t, 'trace')), reinterpretAsFixedString(sipHash64(k, 'span')),
    if(j = 0, toFixedString('', 8), reinterpretAsFixedString(sipHash64(t * 10 + cityHash64(k, 'parent') % greatest(j, 1), 'span'))),
    svc, multiIf(op < 2, concat(['GET','POST'][op + 1], ' /api/', svc), op = 2, concat('query ', svc), op = 3, concat('compute ', svc), concat('publish ', svc)),
    [2, 2, 3, 1, 4][op + 1], took,
    if('{keys}' = 'few', [first_key, second_key, 'user.tier', 'cloud.zone', if(has_unique, 'request.id', 'cache.key')], [key_of(0), key_of(1), key_of(2), key_of(3), key_of(4)]),
    [first_value, second_value, tier, zone, if(has_unique, unique_id, cache_key)],
    if('{keys}' = 'few', [if(op < 3, 'http.response.status_code', 'thread.id'), 'payload.bytes'], [key_of(5), key_of(6)]),
    [if(op < 3, http_status, toInt64(cityHash64(k, 'thread') % 200)), payload],
    if(op % 2 = 0, [if('{keys}' = 'few', 'retry', key_of(7))], []), if(op % 2 = 0, [cityHash64(k, 'retry') % 20 = 0], []),
    if(op % 2 = 1, [if('{keys}' = 'few', 'cpu.ms', key_of(7))], []), if(op % 2 = 1, [round(unit(cityHash64(k, 'cpu')) * 100, 3)], []),
    if(cityHash64(k, 'error') % 20 = 0, 2, 0) AS status,
    if(status = 2, concat('timeout after ', toString(cityHash64(k, 'ms') % 1000), ' ms'), ''),
    reinterpretAsFixedString(sipHash128(s, inst, 'resource')), reinterpretAsFixedString(sipHash128(s % 7, 'scope')),
    if(cityHash64(k, 'event') % 10 = 0,
        concat(unhex('5a4e09'), toString(reinterpretAsFixedString(span_start + 1000)), unhex('1209'), 'exception', unhex('1a34'), 'exception.message: connection reset by ', zone, ' no ', toString(cityHash64(k, 'peer') % 100)), '')
FROM numbers({count})
SETTINGS max_threads = 2, max_insert_threads = 1, min_insert_block_size_rows = 1000000
