-- Claims the oldest rows that no other relay holds, and deletes them: if the transaction rolls back, so does the claim.
DELETE FROM outbox
WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
RETURNING routing_key, body, event_count
