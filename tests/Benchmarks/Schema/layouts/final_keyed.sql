-- Finalist 1: keyed, fewer and wider merges.
-- @like keyed
-- @settings min_bytes_for_wide_part = 268435456, merge_selector_base = 16
-- @alter
ALTER TABLE spans MODIFY COLUMN string_values Array(String) CODEC(ZSTD(3))
