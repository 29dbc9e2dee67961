-- Stores which items the users bid on; returns for each user how many were new.
-- $1 and $2 are sorted, so that counters wait for each other in one direction only.
WITH added AS (
    INSERT INTO bid_items (user_id, item_id)
    SELECT * FROM unnest($1::text::uuid[], $2::text::uuid[])
    ON CONFLICT DO NOTHING
    RETURNING user_id
)
SELECT user_id::text, count(*) FROM added GROUP BY user_id
