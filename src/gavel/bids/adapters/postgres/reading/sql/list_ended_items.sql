-- A page of the items that have ended, newest end first, from before a position of now or earlier.
SELECT * FROM item_entries
WHERE cancelled_at IS NULL AND (end_at, item_id) < ($1, $2::uuid)
ORDER BY end_at DESC, item_id DESC
LIMIT $3
