-- Locks the auctions of a batch in id order, so that two batches never wait for each other in a circle,
-- and reads them as they are once every lock is held.
SELECT item_id::text, seller_id::text, currency, start_at, scheduled_end_at, end_at, start_price, reserve_price, buy_now_price,
       soft_close_window_seconds, soft_close_extension_seconds, soft_close_max_extension_seconds,
       increment_fixed, increment_basis_points, price, leader_id::text, leader_maximum, bid_count, last_bid_seq, seq, revision,
       cancelled_at, closed_at
FROM auctions
WHERE item_id = ANY ($1::uuid[])
ORDER BY auctions.item_id
FOR UPDATE
