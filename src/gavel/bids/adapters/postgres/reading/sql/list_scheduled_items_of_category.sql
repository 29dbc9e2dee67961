-- A page of a category's items that start after $1, starting soonest first, after a position.
SELECT * FROM item_entries
WHERE category = $5 AND cancelled_at IS NULL AND start_at > $1 AND (start_at, item_id) > ($2, $3::uuid)
ORDER BY start_at, item_id
LIMIT $4
