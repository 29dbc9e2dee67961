-- A page of the bidders, most spent on won items first, after a position.
SELECT user_id::text, total_bids, total_amount, last_updated_at, last_bid_at, highest_bid,
    items_bid_on, items_won, amount_won, items_sold, amount_sold
FROM user_stats
WHERE is_bidder AND (amount_won, user_id) < ($1, $2::uuid)
ORDER BY amount_won DESC, user_id DESC
LIMIT $3
