-- All columns of the bids of a range of items, in the order in which digests cover them, and the digest.
SELECT item_id::text, seq, user_id::text, amount, maximum, automatic, created_at, outbid_user_id::text, bid_count, minimum_next_bid,
       end_at, traceparent, digest
FROM bids b
WHERE b.item_id BETWEEN $1::text::uuid AND $2::text::uuid
ORDER BY b.item_id, b.seq
