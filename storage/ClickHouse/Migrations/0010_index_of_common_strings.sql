-- Stored parts have no common strings, and their index says so; without one, a search for a rare string would read them all.
ALTER TABLE spans MATERIALIZE INDEX common_string_bloom SETTINGS mutations_sync = 1
