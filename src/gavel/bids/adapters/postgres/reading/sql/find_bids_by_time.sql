-- The bids of one millisecond. A bid's id contains its time; item and seq are only hashed into it.
SELECT item_id::text, seq, created_at
FROM bids
WHERE created_at >= $1 AND created_at < $1 + interval '1 millisecond'
