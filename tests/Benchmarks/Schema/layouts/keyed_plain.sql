-- keyed, all dictionary columns as plain strings.
-- @like keyed
-- @alter
ALTER TABLE spans MODIFY COLUMN service String CODEC(ZSTD(1))
ALTER TABLE spans MODIFY COLUMN name String CODEC(ZSTD(1))
ALTER TABLE spans MODIFY COLUMN string_keys String CODEC(ZSTD(1))
ALTER TABLE spans MODIFY COLUMN number_keys String CODEC(ZSTD(1))
