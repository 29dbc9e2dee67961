-- The first auctions of a range of ids, with what their logs must end with: state, digest, and texts.
SELECT a.item_id::text, seller_id::text, currency, start_at, scheduled_end_at, start_price, reserve_price, buy_now_price,
       soft_close_window_seconds, soft_close_extension_seconds, soft_close_max_extension_seconds, increment_fixed,
       increment_basis_points, end_at, price, leader_id::text, leader_maximum, bid_count, last_bid_seq, seq, revision, cancelled_at,
       closed_at, digest, title, description, images, category
FROM auctions a
LEFT JOIN listings l ON l.item_id = a.item_id
WHERE a.item_id BETWEEN $1::text::uuid AND $2::text::uuid
ORDER BY a.item_id
LIMIT $3
