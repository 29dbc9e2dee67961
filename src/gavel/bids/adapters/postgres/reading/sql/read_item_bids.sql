-- A page of an item's bids, newest first, below a seq.
SELECT item_id::text, seq, created_at, user_id::text, amount, maximum, automatic, outbid_user_id::text, bid_count, minimum_next_bid, end_at
FROM bids
WHERE item_id = $1::uuid AND seq < $2
ORDER BY seq DESC
LIMIT $3
