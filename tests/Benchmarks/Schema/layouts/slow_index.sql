-- tuned by ten minutes with blooms, and a set of (service, duration's power of two) per granule.
-- @like tuned_10min_blooms
-- @alter
ALTER TABLE spans ADD INDEX trace_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1
ALTER TABLE spans ADD INDEX string_bloom mapValues(string_attributes) TYPE bloom_filter(0.01) GRANULARITY 1
ALTER TABLE spans ADD INDEX slow (service, toUInt8(log2(duration + 1))) TYPE set(0) GRANULARITY 1
-- @service_duration
service = '{service}' AND toUInt8(log2(duration + 1)) >= toUInt8(log2({duration} + 1)) AND toInt64(duration) >= {duration}
