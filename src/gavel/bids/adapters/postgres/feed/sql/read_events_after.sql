-- Up to $3 events after a seq of each item ($1, $2): each item's in order and, since it reads whole prefixes, without a gap.
-- Nothing hidden is read: no maximum, no reserve.
SELECT known.item_id::text, e.*
FROM unnest($1::text::uuid[], $2::text::bigint[]) WITH ORDINALITY AS known (item_id, seq, place)
CROSS JOIN LATERAL (
    (SELECT b.seq, b.created_at, 'bid_placed' AS kind, b.amount AS price, b.minimum_next_bid, b.user_id::text AS leader_id, b.end_at,
            b.bid_count, b.automatic, false AS sold
     FROM bids b
     WHERE b.item_id = known.item_id AND b.seq > known.seq
     ORDER BY b.seq
     LIMIT $3)
    UNION ALL
    (SELECT i.seq, i.created_at, i.kind, i.price, i.minimum_next_bid, i.leader_id::text, i.end_at, i.bid_count, false, i.sold
     FROM item_events i
     WHERE i.item_id = known.item_id AND i.seq > known.seq
     ORDER BY i.seq
     LIMIT $3)
    ORDER BY seq
    LIMIT $3
) AS e
ORDER BY known.place, e.seq
LIMIT $3
