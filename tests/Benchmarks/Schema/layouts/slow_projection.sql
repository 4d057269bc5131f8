-- tuned by ten minutes with blooms, and a projection of row numbers by (service, duration).
-- @like tuned_10min_blooms
-- @alter
ALTER TABLE spans ADD INDEX trace_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1
ALTER TABLE spans ADD INDEX string_bloom mapValues(string_attributes) TYPE bloom_filter(0.01) GRANULARITY 1
ALTER TABLE spans ADD PROJECTION slow (SELECT _part_offset ORDER BY service, duration)
-- @service_duration
service = '{service}' AND duration >= {duration}
