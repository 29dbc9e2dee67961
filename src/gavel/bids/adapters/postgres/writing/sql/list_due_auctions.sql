-- The next auctions to end but for some, those whose end has passed first, each with the seconds that are left by the one clock.
SELECT item_id::text, extract(epoch FROM end_at - clock_timestamp())::double precision AS seconds_left
FROM auctions
WHERE cancelled_at IS NULL AND closed_at IS NULL AND item_id <> ALL ($2::uuid[])
ORDER BY end_at
LIMIT $1
