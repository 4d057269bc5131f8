-- The last so many inserts' tokens are remembered: an attempt that was given up and arrives late stores nothing.
ALTER TABLE spans MODIFY SETTING non_replicated_deduplication_window = 10000
