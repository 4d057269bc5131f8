-- Those of the spans that are stored; of a trace's spans that lie together, one row is left when they are inserted.
INSERT INTO trace_buckets (tenant, received_day, trace_hash, time_bucket)
SELECT tenant, received_day, xxHash32(trace_id), time_bucket FROM spans
SETTINGS max_partitions_per_insert_block = 0
