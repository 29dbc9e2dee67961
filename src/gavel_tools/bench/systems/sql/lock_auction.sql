-- Locks one auction until the end of the transaction, and reads it as it is once the lock is held.
SELECT item_id::text, seller_id::text, currency, start_at, scheduled_end_at, end_at, start_price, reserve_price, buy_now_price,
       soft_close_window_seconds, soft_close_extension_seconds, soft_close_max_extension_seconds,
       increment_fixed, increment_basis_points, price, leader_id::text, leader_maximum, bid_count, last_bid_seq, seq, revision,
       cancelled_at, closed_at
FROM auctions
WHERE item_id = $1
FOR UPDATE
