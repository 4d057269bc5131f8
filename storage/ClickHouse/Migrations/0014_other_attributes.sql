-- What a span is searched by though no map holds it: the later values of a key that it has twice, the elements of its arrays.
-- Spans that are stored are searched as they were.
ALTER TABLE spans
    ADD COLUMN IF NOT EXISTS other_attributes Array(String) CODEC(ZSTD(1)) AFTER double_attributes,
    ADD INDEX IF NOT EXISTS other_bloom other_attributes TYPE bloom_filter(0.01) GRANULARITY 1
