-- Which attributes spans, their events and their links had on a day, and with which values: lists of tags are read from here.
CREATE TABLE IF NOT EXISTS attribute_values
(
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    received_day Date CODEC(ZSTD(1)),
    scope LowCardinality(String) CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    type LowCardinality(String) CODEC(ZSTD(1)),
    value String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY received_day
ORDER BY (tenant, scope, name, type, value)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
