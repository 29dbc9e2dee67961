-- The next $3 bids of the second $4 after the bid $2 of item $1, with the terms they were made under. Found by time
-- alone: the planner would else read the log by its key, from the position on.
WITH recorded AS MATERIALIZED (
    SELECT * FROM bids WHERE created_at >= to_timestamp($4::bigint) AND created_at < to_timestamp($4::bigint + 1)
)
SELECT b.item_id, b.seq, b.created_at, b.user_id, b.amount, b.maximum, b.automatic, b.outbid_user_id, b.bid_count,
       b.minimum_next_bid, b.end_at, b.traceparent,
       a.seller_id, a.currency, a.start_at, a.scheduled_end_at, a.start_price, a.reserve_price, a.buy_now_price,
       a.soft_close_window_seconds, a.soft_close_extension_seconds, a.soft_close_max_extension_seconds,
       a.increment_fixed, a.increment_basis_points
FROM recorded b
JOIN auctions a USING (item_id)
WHERE (b.item_id, b.seq) > ($1, $2)
ORDER BY b.item_id, b.seq
LIMIT $3
