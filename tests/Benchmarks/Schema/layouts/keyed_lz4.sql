-- keyed, values under LZ4.
-- @like keyed
-- @alter
ALTER TABLE spans MODIFY COLUMN string_values Array(String) CODEC(LZ4)
