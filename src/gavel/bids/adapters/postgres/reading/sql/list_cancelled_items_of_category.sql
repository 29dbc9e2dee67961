-- A page of a category's items that were cancelled, newest end first, from before a position.
SELECT * FROM item_entries
WHERE category = $4 AND cancelled_at IS NOT NULL AND (end_at, item_id) < ($1, $2::uuid)
ORDER BY end_at DESC, item_id DESC
LIMIT $3
