-- Empties the second set of tables, whoever left something there.
TRUNCATE rebuild.counted_events, rebuild.bid_items, rebuild.user_stats
