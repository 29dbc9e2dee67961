-- Claims the oldest rows that no other relay holds, and deletes them: if the transaction rolls back, so does the claim.
-- By row address, which no update can move under the lock: by id, the plan for a small table reads all of a large one.
DELETE FROM outbox
WHERE ctid = ANY (ARRAY(SELECT ctid FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))
RETURNING id, routing_key, event_count, body
