-- A page of a category's items that were cancelled by $1, newest end first, after a position.
SELECT * FROM item_entries
WHERE category = $5 AND cancelled_at <= $1 AND (end_at, item_id) < ($2, $3::uuid)
ORDER BY end_at DESC, item_id DESC
LIMIT $4
