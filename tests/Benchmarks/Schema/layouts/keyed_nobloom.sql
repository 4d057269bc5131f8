-- keyed without the bloom on values.
-- @like keyed
-- @alter
ALTER TABLE spans DROP INDEX string_bloom
