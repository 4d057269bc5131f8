-- A column of its own for strings that come again and again; storage/decisions/0006 says why. Spans that are stored keep
-- theirs where they are.
ALTER TABLE spans
    ADD COLUMN IF NOT EXISTS common_string_attributes Map(LowCardinality(String), LowCardinality(String)) CODEC(ZSTD(1)) AFTER duration,
    ADD INDEX IF NOT EXISTS common_string_bloom mapValues(common_string_attributes) TYPE bloom_filter(0.01) GRANULARITY 1
