-- The next $3 rarer events of the second $4 after the event $2 of item $1, with the terms they happened under. Found by time
-- alone: the planner would else read the log by its key, from the position on.
WITH recorded AS MATERIALIZED (
    SELECT * FROM item_events WHERE created_at >= to_timestamp($4::bigint) AND created_at < to_timestamp($4::bigint + 1)
)
SELECT e.item_id, e.seq, e.created_at, e.kind, e.price, e.leader_id, e.end_at AS event_end_at, e.sold, e.title, e.traceparent,
       a.seller_id, a.currency, a.start_at, a.scheduled_end_at, a.start_price, a.reserve_price, a.buy_now_price,
       a.soft_close_window_seconds, a.soft_close_extension_seconds, a.soft_close_max_extension_seconds,
       a.increment_fixed, a.increment_basis_points
FROM recorded e
JOIN auctions a USING (item_id)
WHERE (e.item_id, e.seq) > ($1, $2)
ORDER BY e.item_id, e.seq
LIMIT $3
