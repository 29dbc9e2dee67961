-- Of items with the seq up to which someone knows them ($1, $2), those that have a newer event. One look for each by its key.
SELECT known.item_id::text, a.seq
FROM unnest($1::text::uuid[], $2::text::bigint[]) AS known (item_id, seq)
JOIN auctions a USING (item_id)
WHERE a.seq > known.seq
