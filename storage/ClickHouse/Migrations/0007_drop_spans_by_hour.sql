-- What it held lies in spans_by_five_minutes.
DROP TABLE IF EXISTS spans SYNC
