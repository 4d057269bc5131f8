-- J: the small table from which tag names and values are listed: what the collector has seen of a key on a day, so many values at most.

-- @create
CREATE TABLE tags
(
    tenant LowCardinality(String),
    received_day Date,
    scope Enum8('span' = 1, 'resource' = 2, 'scope' = 3),
    key String,
    type Enum8('string' = 1, 'bool' = 2, 'int' = 3, 'double' = 4),
    value String
)
ENGINE = ReplacingMergeTree
PARTITION BY received_day
ORDER BY (tenant, scope, key, type, value)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1

-- @fill
INSERT INTO tags
SELECT '', toDate('2026-11-20'), 'span', key, 'string', value
FROM (SELECT DISTINCT string_keys[number] AS key, string_values[number] AS value FROM (SELECT string_keys, string_values FROM source LIMIT {limit}) ARRAY JOIN [1, 2, 3, 4, 5] AS number) LIMIT 1000 BY key

-- @names
SELECT DISTINCT key FROM tags WHERE tenant = '' AND received_day >= '2026-11-20' AND received_day <= '2026-11-21' AND scope = 'span' ORDER BY key

-- @values
SELECT DISTINCT value FROM tags WHERE tenant = '' AND received_day >= '2026-11-20' AND received_day <= '2026-11-21' AND scope = 'span' AND key = '{key}' ORDER BY value LIMIT 1000
