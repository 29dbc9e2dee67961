-- A page of the items that take bids at $1, ending soonest first, after a position.
SELECT a.item_id::text, a.seller_id::text, a.currency, a.start_at, a.scheduled_end_at, a.end_at, a.start_price,
       a.reserve_price, a.buy_now_price, a.soft_close_window_seconds, a.soft_close_extension_seconds,
       a.soft_close_max_extension_seconds, a.increment_fixed, a.increment_basis_points, a.price, a.leader_id::text, a.leader_maximum,
       a.bid_count, a.last_bid_seq, a.seq, a.revision, a.cancelled_at, a.closed_at,
       a.created_at, a.updated_at, a.category, l.title, l.description, l.images
FROM auctions a
JOIN listings l USING (item_id)
WHERE a.cancelled_at IS NULL AND a.end_at > $1 AND a.start_at <= $1 AND (a.end_at, a.item_id) > ($3, $4::uuid)
  AND ($2 = '' OR a.category = $2)
ORDER BY a.end_at, a.item_id
LIMIT $5
