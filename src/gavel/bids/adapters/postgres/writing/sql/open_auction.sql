-- A new item's state, texts, first log row, outbox row and idempotency key where it has one, together or not at all.
WITH opened AS (
    INSERT INTO auctions (item_id, seller_id, currency, category, created_at, updated_at, start_at, scheduled_end_at, end_at, start_price,
                          reserve_price, buy_now_price, soft_close_window_seconds, soft_close_extension_seconds,
                          soft_close_max_extension_seconds, increment_fixed, increment_basis_points, digest, seq, revision, started)
    VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $7, $8, $9, $10, $11, $12, $13, $14, $15, $23, 1, 1, $6::timestamptz <= $5::timestamptz)
), described AS (
    INSERT INTO listings (item_id, title, description, images) VALUES ($1, $16, $17, $18)
), listed AS (
    INSERT INTO item_events (item_id, seq, kind, created_at, price, bid_count, minimum_next_bid, end_at, title, category,
                             description_digest, images_digest, traceparent, digest)
    VALUES ($1, 1, 'listed', $5, 0, 0, $8, $7, $16, $4, $26, $27, $19, $23)
), named AS (
    INSERT INTO item_keys (seller_id, key, request, item_id, created_at)
    SELECT $2, $24, $25, $1, $5 WHERE $24::text IS NOT NULL
)
INSERT INTO outbox (routing_key, event_count, body) VALUES ($20, $21, $22)
