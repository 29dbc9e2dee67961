-- The bids of one millisecond: as much as a bid's id tells, which is made of its time, and of item and seq unreadably.
SELECT item_id::text, seq, created_at
FROM bids
WHERE created_at >= $1 AND created_at < $1 + interval '1 millisecond'
