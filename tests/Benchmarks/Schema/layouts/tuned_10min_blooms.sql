-- tuned by ten minutes, with blooms on trace IDs and string values.
-- @like tuned_10min
-- @alter
ALTER TABLE spans ADD INDEX trace_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1
ALTER TABLE spans ADD INDEX string_bloom mapValues(string_attributes) TYPE bloom_filter(0.01) GRANULARITY 1
