-- Run after the locks, as a statement of its own: the clock is then read while no other batch can decide these auctions,
-- and the keys that others accepted before are visible. One row at least; its key is null where none was known.
SELECT clock_timestamp() AS at, known.item_id::text, known.user_id::text, known.key, known.request, known.bid_seq
FROM (VALUES (1)) AS one
LEFT JOIN (
    SELECT k.item_id, k.user_id, k.key, k.request, k.bid_seq
    FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS named (item_id, user_id, key)
    JOIN bid_keys k USING (item_id, user_id, key)
) AS known ON true
