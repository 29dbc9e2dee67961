-- Items as they are now.
SELECT * FROM items WHERE item_id = ANY ($1::text::uuid[])
