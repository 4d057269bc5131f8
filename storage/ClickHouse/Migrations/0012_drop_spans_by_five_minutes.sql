-- What it held lies in spans_by_time_bucket.
DROP TABLE IF EXISTS spans SYNC
