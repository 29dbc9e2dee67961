-- The bids that are in the totals.
SELECT coalesce(sum(total_bids), 0)::bigint FROM user_stats
