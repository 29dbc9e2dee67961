-- All columns of the rarer events of a range of items, in the order in which digests cover them, and the digest.
SELECT item_id::text, seq, kind, created_at, price, leader_id::text, bid_count, minimum_next_bid, end_at, sold, traceparent, title,
       category, encode(description_digest, 'hex') AS description, encode(images_digest, 'hex') AS images, digest
FROM item_events e
WHERE e.item_id BETWEEN $1::text::uuid AND $2::text::uuid
ORDER BY e.item_id, e.seq
