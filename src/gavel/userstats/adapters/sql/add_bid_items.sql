-- Notes which items the users bid on, and tells a user once for every item that is new to them. Sorted, as above all locks are.
INSERT INTO bid_items (user_id, item_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[])
ON CONFLICT DO NOTHING
RETURNING user_id::text
