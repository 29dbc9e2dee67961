-- Notes auctions that have started by the clock, those of the earliest start first; those that another transaction holds
-- are left to the next pass. The number noted. By row address, which no update can move under the lock.
WITH begun AS (
    SELECT ctid FROM auctions
    WHERE NOT started AND cancelled_at IS NULL AND closed_at IS NULL AND start_at <= statement_timestamp()
    ORDER BY start_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
), noted AS (
    UPDATE auctions SET started = true WHERE ctid = ANY (ARRAY(SELECT ctid FROM begun)) RETURNING item_id
)
SELECT count(*) FROM noted
