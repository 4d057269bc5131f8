-- Resources by content. Replacing: a row that is inserted twice is one row.
CREATE TABLE IF NOT EXISTS resources
(
    tenant LowCardinality(String),
    received_day Date,
    hash FixedString(16),
    service LowCardinality(String),
    string_attributes Map(LowCardinality(String), String),
    bool_attributes Map(LowCardinality(String), Bool),
    int_attributes Map(LowCardinality(String), Int64),
    double_attributes Map(LowCardinality(String), Float64),
    otlp String
)
ENGINE = ReplacingMergeTree
PARTITION BY received_day
ORDER BY (tenant, hash)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1
