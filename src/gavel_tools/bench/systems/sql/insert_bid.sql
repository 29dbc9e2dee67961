-- One bid's log row; it stands or falls with the auction's new state.
INSERT INTO bids (created_at, item_id, seq, user_id, amount, maximum, automatic, outbid_user_id, bid_count, minimum_next_bid, end_at, traceparent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
