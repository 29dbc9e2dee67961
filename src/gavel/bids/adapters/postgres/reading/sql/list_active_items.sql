-- A page of the items that take bids at $1, ending soonest first, after a position.
SELECT * FROM item_entries
WHERE cancelled_at IS NULL AND end_at > $1 AND start_at <= $1 AND (end_at, item_id) > ($2, $3::uuid)
ORDER BY end_at, item_id
LIMIT $4
