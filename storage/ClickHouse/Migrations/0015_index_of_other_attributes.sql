-- Stored parts have none, and their index says so; without one, a search for a rare value would read them all.
ALTER TABLE spans MATERIALIZE INDEX other_bloom SETTINGS mutations_sync = 1
