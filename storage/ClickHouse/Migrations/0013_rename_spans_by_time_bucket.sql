RENAME TABLE IF EXISTS spans_by_time_bucket TO spans
