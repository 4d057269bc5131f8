RENAME TABLE IF EXISTS spans_by_five_minutes TO spans
