-- A page of items with the place and the digest that their logs end with, by id, after one. None that has no digest yet.
SELECT item_id::text, seq, revision, digest
FROM auctions a
WHERE a.item_id > $1::text::uuid AND digest IS NOT NULL
ORDER BY a.item_id
LIMIT $2
