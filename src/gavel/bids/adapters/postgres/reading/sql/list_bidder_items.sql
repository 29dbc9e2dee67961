-- A page of the items that a user has bid on, newest bid of theirs first, after a position, with what is theirs alone.
-- Sorts all of one user's rows: an index in this order would have to move with every bid.
SELECT i.*, s.amount AS bidder_amount, s.maximum AS bidder_maximum, s.last_bid_at
FROM (
    SELECT * FROM standings
    WHERE user_id = $1::uuid AND (last_bid_at, item_id) < ($2, $3::uuid)
    ORDER BY last_bid_at DESC, item_id DESC
    LIMIT $4
) AS s
JOIN item_entries i USING (item_id)
ORDER BY s.last_bid_at DESC, s.item_id DESC
