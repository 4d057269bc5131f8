-- What it held lies in spans_in_small_granules.
DROP TABLE IF EXISTS spans SYNC
