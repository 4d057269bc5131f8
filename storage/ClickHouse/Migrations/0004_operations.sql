-- Which span names of which kind each service has sent, for lists. Replacing: a row that is inserted twice is one row.
CREATE TABLE IF NOT EXISTS operations
(
    tenant LowCardinality(String),
    received_day Date,
    service LowCardinality(String),
    name LowCardinality(String),
    kind Int32
)
ENGINE = ReplacingMergeTree
PARTITION BY received_day
ORDER BY (tenant, service, name, kind)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
