-- Empties the second set of tables, in case an earlier rebuild was interrupted.
TRUNCATE rebuild.counted_events, rebuild.bid_items, rebuild.user_stats
