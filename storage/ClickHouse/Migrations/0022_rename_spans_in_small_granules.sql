RENAME TABLE IF EXISTS spans_in_small_granules TO spans
