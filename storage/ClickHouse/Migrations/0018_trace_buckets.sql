-- In which buckets of time each trace has spans, by a hash of its ID: what a look-up reads first where there are many buckets;
-- storage/decisions/0012. Replacing: a row that is inserted twice is one row. A hash that two traces share costs a look.
CREATE TABLE IF NOT EXISTS trace_buckets
(
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    received_day Date CODEC(ZSTD(1)),
    trace_hash UInt32 CODEC(Delta, ZSTD(1)),
    time_bucket UInt64 CODEC(ZSTD(1)),
    INDEX hash_bloom trace_hash TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY received_day
ORDER BY (tenant, trace_hash, time_bucket)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
    merge_selector_base = 32, index_granularity = 2048, min_compress_block_size = 8192, max_compress_block_size = 65536
