SELECT count()
FROM (SELECT DISTINCT time_bucket
FROM mergeTreeIndex(currentDatabase(), 'spans') LIMIT 49)
