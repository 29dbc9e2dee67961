-- A page of items by id, after $1: seq, revision and digest of the last row of their logs. Items without a digest are left out.
SELECT item_id::text, seq, revision, digest
FROM auctions a
WHERE a.item_id > $1::text::uuid AND digest IS NOT NULL
ORDER BY a.item_id
LIMIT $2
