-- tuned by ten minutes with a bloom on trace IDs only: what each bloom costs.
-- @like tuned_10min
-- @alter
ALTER TABLE spans ADD INDEX trace_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1
