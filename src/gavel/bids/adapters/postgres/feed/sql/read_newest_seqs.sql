-- The number of each item's newest event, as committed.
SELECT item_id::text, seq FROM auctions WHERE item_id = ANY ($1::text::uuid[])
