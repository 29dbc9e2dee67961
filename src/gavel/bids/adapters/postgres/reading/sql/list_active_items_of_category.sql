-- A page of a category's items that take bids at $1, ending soonest first, after a position.
-- A statement of its own: with the category as a choice, the one plan for both would read all categories.
SELECT * FROM item_entries
WHERE category = $5 AND cancelled_at IS NULL AND end_at > $1 AND start_at <= $1 AND (end_at, item_id) > ($2, $3::uuid)
ORDER BY end_at, item_id
LIMIT $4
