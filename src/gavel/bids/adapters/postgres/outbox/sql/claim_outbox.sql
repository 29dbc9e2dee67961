-- Claims the oldest rows from the id $3 on that no other relay holds, and deletes them: if the transaction rolls back, so
-- does the claim.
-- Rows after the one that reaches $2 bytes are left in place: a row packs the events of one batch, one bid or a
-- hundred KB of them.
-- By row address, which no update can move under the lock: by id, the plan for a small table reads all of a large one.
WITH locked AS (
    SELECT ctid, id, octet_length(body) AS bytes FROM outbox WHERE id >= $3 ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
), summed AS (
    SELECT ctid, sum(bytes) OVER (ORDER BY id) - bytes AS bytes_before FROM locked
)
DELETE FROM outbox
WHERE ctid = ANY (ARRAY(SELECT ctid FROM summed WHERE bytes_before < $2))
RETURNING id, routing_key, event_count, body,
          extract(epoch FROM clock_timestamp() - created_at)::double precision AS waited_seconds
