-- A page of the items that have ended by $1, newest end first, after a position.
SELECT * FROM item_entries
WHERE cancelled_at IS NULL AND end_at <= $1 AND (end_at, item_id) < ($2, $3::uuid)
ORDER BY end_at DESC, item_id DESC
LIMIT $4
