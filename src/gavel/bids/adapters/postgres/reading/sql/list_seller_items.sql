-- A page of a seller's items, newest listed first, after a position.
SELECT * FROM item_entries
WHERE seller_id = $1::uuid AND (created_at, item_id) < ($2, $3::uuid)
ORDER BY created_at DESC, item_id DESC
LIMIT $4
