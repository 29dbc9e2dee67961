-- One user's totals.
SELECT user_id::text, total_bids, total_amount, last_updated_at, last_bid_at, highest_bid,
    items_bid_on, items_won, amount_won, items_sold, amount_sold
FROM user_stats
WHERE user_id = $1::uuid
