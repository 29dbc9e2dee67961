-- Those of the items $1 that have a newer event than their known seq $2. One lookup by key for each.
SELECT known.item_id::text, a.seq
FROM unnest($1::text::uuid[], $2::text::bigint[]) AS known (item_id, seq)
JOIN auctions a USING (item_id)
WHERE a.seq > known.seq
