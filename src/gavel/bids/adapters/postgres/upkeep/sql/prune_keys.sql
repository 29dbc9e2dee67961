-- Forgets idempotency keys of auctions that have been over for 30 days, the longest over first: those of $1 auctions, and as
-- many more as were over at the same moment; of $2 bids at most. Goes on from there only when all their keys are gone. One
-- worker at a time: it holds the row of the installation.
WITH place AS (
    SELECT keys_pruned_until FROM installation FOR UPDATE SKIP LOCKED
), over AS (
    SELECT item_id, coalesce(closed_at, cancelled_at) AS over_at
    FROM auctions
    WHERE (closed_at IS NOT NULL OR cancelled_at IS NOT NULL)
      AND coalesce(closed_at, cancelled_at) > (SELECT keys_pruned_until FROM place)
      AND coalesce(closed_at, cancelled_at) <= statement_timestamp() - interval '30 days'
    ORDER BY coalesce(closed_at, cancelled_at)
    FETCH FIRST $1 ROWS WITH TIES
), found AS (
    SELECT k.ctid FROM over JOIN bid_keys k USING (item_id) LIMIT $2
), pruned_bid_keys AS (
    DELETE FROM bid_keys WHERE ctid = ANY (ARRAY(SELECT ctid FROM found)) RETURNING item_id
), pruned_item_keys AS (
    DELETE FROM item_keys WHERE item_id = ANY (ARRAY(SELECT item_id FROM over)) RETURNING item_id
), gone_on AS (
    UPDATE installation SET keys_pruned_until = (SELECT max(over_at) FROM over)
    WHERE (SELECT count(*) FROM pruned_bid_keys) < $2 AND EXISTS (SELECT FROM over)
)
SELECT (SELECT count(*) FROM over) AS auctions, (SELECT count(*) FROM pruned_bid_keys) AS bid_keys,
       (SELECT count(*) FROM pruned_item_keys) AS item_keys
