-- The bids that replayed keys and raised maxima are answered with.
SELECT b.item_id::text, b.seq, b.created_at, b.user_id::text, b.amount, b.maximum, b.automatic, b.outbid_user_id::text,
       b.bid_count, b.minimum_next_bid, b.end_at
FROM unnest($1::uuid[], $2::bigint[]) AS named (item_id, seq)
JOIN bids b USING (item_id, seq)
